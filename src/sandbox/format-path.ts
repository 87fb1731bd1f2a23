// Formats a path into a body the way that the contract's errors do.

/** `['slots', 1, 'end']` is `slots[1].end` */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
