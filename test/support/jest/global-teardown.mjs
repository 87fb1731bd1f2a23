// Jest calls this once after the last test file.
import { importTypeScript } from './typescript.mjs';

export default (await importTypeScript('../test-run.ts')).afterTheRun;
