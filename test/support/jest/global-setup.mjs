// Jest calls this once before the first test file.
import { importTypeScript } from './typescript.mjs';

export default (await importTypeScript('../test-run.ts')).beforeTheRun;
