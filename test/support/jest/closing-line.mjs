// Jest constructs this reporter at the start of a run.
import { importTypeScript } from './typescript.mjs';

export default (await importTypeScript('../closing-line.ts')).ClosingLine;
