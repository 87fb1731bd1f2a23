/** The embedded database's folder cannot be used as it is. The message says what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  readonly folder: string;

  constructor(folder: string, reason: string, cause?: unknown) {
    super(`the data folder ${folder} ${reason}`, { cause });
    this.folder = folder;
  }
}
