// Replaces the module of the history's queries; `?original` names the real one.
const HISTORY = /\/dist\/db\/tables\/history\.js$/;
const REPLACEMENT = new URL('./no-history.mjs', import.meta.url).href;

export async function resolve(specifier, context, nextResolve) {
  const resolved = await nextResolve(specifier, context);
  return HISTORY.test(resolved.url) ? { ...resolved, url: REPLACEMENT } : resolved;
}
