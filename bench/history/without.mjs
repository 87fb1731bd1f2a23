// Loads the engine with a history that is read as usual and never written.
import { register } from 'node:module';

register('./without-hooks.mjs', import.meta.url);
