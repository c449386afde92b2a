import { createHash, randomFillSync } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/**
 * Temporary files carry who made them: `.waxseal-MACHINE-PID-START-RANDOM.tmp`. MACHINE is a digest of host, boot and
 * PID namespace, so that a process is declared dead only where its number means something; START is the start time of
 * the process, so that a reused number does not pass for it.
 */
const PATTERN = /^\.waxseal-([0-9a-f]{12})-([0-9]+)-([0-9]+)-[0-9a-f]{16}\.tmp$/;

/** A fresh name for a temporary file of this process. */
export function temporaryName(): string {
  const random = Buffer.from(randomFillSync(new Uint8Array(8))).toString('hex');
  return `.waxseal-${machine()}-${String(process.pid)}-${startTime(process.pid) ?? '0'}-${random}.tmp`;
}

const seen = new Set<string>();
const MAX_SEEN = 4096;

/** Whose a temporary file is: of this process or another living one, of a dead one, or of a process nobody here can ask after. */
export type TemporaryOwner = 'living' | 'dead' | 'elsewhere';

/**
 * Lists our temporary files in `folder` and removes nothing. `elsewhere` is another machine, another container, or this
 * machine before it was started last.
 *
 * @throws the system error where the folder cannot be read
 */
export async function listTemporaries(folder: string): Promise<{ name: string; owner: TemporaryOwner }[]> {
  const found: { name: string; owner: TemporaryOwner }[] = [];
  for (const name of await readdir(folder)) {
    const [, madeOn, pid, start] = PATTERN.exec(name) ?? [];
    if (pid === undefined || start === undefined) continue;
    const owner = madeOn !== machine() ? 'elsewhere' : isAlive(Number(pid), start) ? 'living' : 'dead';
    found.push({ name, owner });
  }
  return found;
}

/**
 * Removes the temporary files that dead processes of this machine left in `folder`; those of living processes and of
 * other machines stay.
 *
 * @returns the names that were removed
 */
export async function removeStaleTemporaries(
  folder: string,
  { oncePerProcess = false }: { readonly oncePerProcess?: boolean } = {},
): Promise<string[]> {
  if (oncePerProcess) {
    if (seen.has(folder)) return [];
    if (seen.size >= MAX_SEEN) seen.clear();
    seen.add(folder);
  }
  const removed: string[] = [];
  for (const { name, owner } of await listTemporaries(folder).catch(() => [])) {
    if (owner !== 'dead') continue;
    await unlink(join(folder, name)).then(
      () => removed.push(name),
      () => undefined,
    );
  }
  return removed;
}

function isAlive(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
  const now = startTime(pid);
  return now === undefined || start === '0' || now === start;
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined where there is no /proc. */
function startTime(pid: number): string | undefined {
  const stat = read(`/proc/${String(pid)}/stat`);
  // The command name, field 2, may hold spaces and parentheses: count from its last parenthesis.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

let machineTag: string | undefined;

function machine(): string {
  if (machineTag === undefined) {
    const boot = read('/proc/sys/kernel/random/boot_id') ?? '';
    let namespace = '';
    try {
      namespace = readlinkSync('/proc/self/ns/pid');
    } catch {
      // no PID namespaces on this platform
    }
    machineTag = createHash('sha256').update(`${hostname()}\0${boot}\0${namespace}`).digest('hex').slice(0, 12);
  }
  return machineTag;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
