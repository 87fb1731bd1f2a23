/** The folder of the embedded database cannot be used in its present state. The message says how to repair it. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  readonly folder: string;

  constructor(folder: string, reason: string, cause?: unknown) {
    super(`the data folder ${folder} ${reason}`, { cause });
    this.folder = folder;
  }
}
