// Imports a TypeScript module into Jest's own process. Jest compiles neither its reporters nor, with `.js` import
// endings, what a global setup imports; Node 20 cannot read TypeScript by itself.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);

export const importTypeScript = (specifier) => import(new URL(specifier, import.meta.url).href);
