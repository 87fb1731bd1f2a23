// A last line of defence: what a test process started does not outlive it, however that process ends.
import { spawn } from 'node:child_process';

// `read` returns when its pipe gets a line (all is well) or is closed, which the kernel does for a process that was
// killed, too. Signals from the terminal are ignored, since they are just when the guard is needed.
const SCRIPT = `
trap '' INT TERM HUP QUIT
read -r _ && exit 0
kill -s "$1" -- "-$2" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  kill -s 0 -- "-$2" 2>/dev/null || break
  sleep 0.25
done
kill -s KILL -- "-$2" 2>/dev/null
shift 2
rm -rf -- "$@"
`;

export interface Guarded {
  /** Leader of the process group to end. */
  readonly pid: number;
  readonly signal: NodeJS.Signals;
  /** Paths to remove afterwards. */
  readonly remove: readonly string[];
}

/** Watches over a process group until the function that it gives is called; needs nothing but a POSIX shell. */
export function guard({ pid, signal, remove }: Guarded): () => void {
  const args = ['-c', SCRIPT, 'guard', signal.replace(/^SIG/, ''), String(pid), ...remove];
  const watcher = spawn('/bin/sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watcher.unref();
  watcher.stdin.on('error', () => {}); // The guard is gone already: nobody is left to be told.
  return () => {
    watcher.stdin.end('done\n');
  };
}
