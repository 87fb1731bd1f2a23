// Jest's runtime, except that test files run in Node's own realm instead of one of their own, and that what is not
// TypeScript under test/ (the product, as it is built, and the packages) is Node's own modules: it is loaded and compiled
// once in a worker.
// In a realm of its own a test would make another kind of `Date` and `Error` than the product knows, and each file would
// spend more on loading than on testing.
import { pathToFileURL } from 'node:url';
import { SyntheticModule } from 'node:vm';
import Runtime from 'jest-runtime';

const SOURCE = new URL('../../../src/', import.meta.url).href;
const BUILT = new URL('../../../dist/', import.meta.url).href;

/** What a test file imports that Node loads itself; undefined for what Jest is to load. */
function nativeSpecifier(specifier, importer) {
  if (specifier === '@jest/globals') return undefined;
  if (!specifier.startsWith('.')) return specifier;
  const { href } = new URL(specifier, pathToFileURL(importer));
  if (href.endsWith('.mjs')) return href;
  return href.startsWith(SOURCE) ? href.replace(SOURCE, BUILT) : undefined;
}

async function nativeModule(specifier) {
  const namespace = await import(specifier);
  const names = Object.keys(namespace);
  const copy = () => {
    for (const name of names) module.setExport(name, namespace[name]);
  };
  const module = new SyntheticModule(names, copy, { identifier: specifier });
  await module.link(() => {});
  await module.evaluate();
  return module;
}

export default class extends Runtime {
  constructor(...args) {
    super(...args);
    const { esmLoader } = this;
    const resolve = esmLoader.resolveModule.bind(esmLoader);
    const loaded = new Map();
    esmLoader.getContext = () => undefined;
    esmLoader.resolveModule = (specifier, importer) => {
      const native = nativeSpecifier(specifier, importer);
      if (native === undefined) return resolve(specifier, importer);
      if (!loaded.has(native)) loaded.set(native, nativeModule(native));
      return loaded.get(native);
    };
  }
}
