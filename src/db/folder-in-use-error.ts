/** The process that holds a data folder, as its lock file names it. */
export interface Holder {
  readonly pid: number;
  /** The start time of that process in the system's own unit, so that a reused pid is recognised; absent where unknown. */
  readonly startedAt?: string;
  /** The address of its HTTP API, once it listens. */
  readonly url?: string;
}

/** The embedded database's folder is locked by another running process. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  readonly folder: string;
  readonly holder: Holder | undefined;

  constructor(folder: string, holder: Holder | undefined) {
    super(
      `the data folder ${folder} is in use by another slotkeeper${holder ? ` (process ${holder.pid}${holder.url ? `, ${holder.url}` : ''})` : ''}. ` +
        'The embedded database serves one process: stop that one, choose another folder with SLOTKEEPER_DATA, ' +
        'or set DATABASE_URL to a PostgreSQL server, which many processes can share.',
    );
    this.folder = folder;
    this.holder = holder;
  }
}
