import { toHex } from '../../bytes/index.ts';
import { isWaxsealError } from '../../errors/index.ts';
import { type EventFacts, type Observe, observed, warn } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { nextPathOf, pathOf } from '../detached.ts';
import { type ByteStream, isByteStream } from '../byte-stream.ts';
import { takeIn } from '../intake.ts';
import { requirePath } from '../path-input.ts';
import { objectFacts } from '../unwrap-entry.ts';
import type { Assurance } from '../wrap-verified.ts';
import type { ListChange, UpdateResult } from './change.ts';
import { type ObjectFile, openObjectFile, withObjectFile } from './object-file.ts';
import type { EntryOutcome } from './renew.ts';
import { rewrapBytes, rewrapStream } from './rewrap-copy.ts';
import { updateObject } from './update-object.ts';

/** Options of everything that changes recipients in place. */
export interface InPlaceOptions {
  /** Awaited before and after every use of a key; throwing before vetoes it. */
  readonly observe?: Observe | undefined;
  /** Ends the work when it is aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Say what would be done, use the keys as the real run would, and write nothing. */
  readonly dryRun?: boolean | undefined;
  /** How long to wait for another writer, in milliseconds; 30 s by default. */
  readonly lockTimeoutMs?: number | undefined;
  /** Write in place on a network file system too: only safe while no other machine writes there. */
  readonly allowNetworkFileSystem?: boolean | undefined;
}

export const IN_PLACE_OPTIONS = ['observe', 'signal', 'dryRun', 'lockTimeoutMs', 'allowNetworkFileSystem'] as const;

/** What a change in place did. */
export interface RewrapReport {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Whether the slots were written (in a dry run: would be). */
  readonly changed: boolean;
  /** What became of each recipient entry, in their order. */
  readonly entries: readonly EntryOutcome[];
  /** Of the slots, which counts the changes of the recipient list; undefined in layouts without. */
  readonly generation: number | undefined;
  /** Bytes written: both slots, or the new file that took the place of a compact object or header; or none. */
  readonly bytesWritten: number;
}

/** A sealed file by its path (for a detached object the path of its header), or a copy as bytes or stream. */
export type ChangeSubject = string | URL | Uint8Array | ByteStream;

/** A report for a file; for a copy the new one. */
export type Changed = RewrapReport | Uint8Array | ReadableStream<Uint8Array>;

/** Changes the recipients of a file under the lock of its folder, or makes a changed copy; watched. */
export async function changeObject(
  verb: string,
  operation: 'rewrap' | 'recipients.change',
  subject: ChangeSubject,
  keys: readonly KeyProvider[],
  options: InPlaceOptions,
  change: ListChange,
  entries: () => readonly EntryOutcome[],
  assurances: () => readonly (Assurance | undefined)[] = () => entries().map(({ assurance }) => assurance),
): Promise<Changed> {
  const { observe } = options;
  const facts = ({ head, before, after }: UpdateResult): EventFacts => {
    const names = (list: UpdateResult['before']): string[] => list.map(({ uri, version }) => `${uri}#${version}`);
    return { ...objectFacts(head), before: names(before), after: names(after), assurance: weakest(assurances()) };
  };
  if (typeof subject === 'string' || subject instanceof URL) {
    const path = requirePath(verb, subject);
    const work = (): Promise<UpdateResult> =>
      withObjectFile(path, options, (file) => changeFile(file, keys, change, options));
    return report(await observed(observe, operation, { path }, work, facts), entries());
  }
  const copy = async <T>(work: () => Promise<{ readonly sealed: T; readonly result: UpdateResult }>): Promise<T> =>
    (await observed(observe, operation, {}, work, ({ result }) => facts(result))).sealed;
  if (subject instanceof Uint8Array) return copy(() => rewrapBytes(subject, keys, change, options));
  if (isByteStream(subject)) {
    return takeIn(subject, options.signal, (chunks) => copy(() => rewrapStream(chunks, keys, change, options)));
  }
  throw new TypeError(`${verb}: expected the path of a sealed file, a Uint8Array or a stream`);
}

/** How messages name it. */
export function nameOf(subject: ChangeSubject): string {
  return pathOf(subject) ?? 'the object';
}

async function changeFile(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: InPlaceOptions,
): Promise<UpdateResult> {
  await changeInterrupted(file, keys, change, options);
  return updateObject(file, keys, change, options);
}

/**
 * A reseal of a detached object that was interrupted left a second header. It may be the true one, which only the
 * payload can tell, and a rewrap never looks at that: so it gets the same change.
 */
async function changeInterrupted(
  file: ObjectFile,
  keys: readonly KeyProvider[],
  change: ListChange,
  options: InPlaceOptions,
): Promise<void> {
  let next: ObjectFile;
  try {
    next = await openObjectFile(nextPathOf(file.realPath), options.allowNetworkFileSystem === true);
  } catch (error) {
    if (isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) return;
    throw error;
  }
  try {
    await updateObject(next, keys, change, options);
  } catch (error) {
    if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
    await warn(options.observe, `${next.name}, left by an interrupted reseal, was not changed: run repair`, {
      path: file.name,
      code: error.code,
    });
  } finally {
    await next.close();
  }
}

/** How sure the least sure of the new wraps is; undefined where none was made. */
function weakest(assurances: readonly (Assurance | undefined)[]): Assurance | undefined {
  const worst = (['validated', 'recomputed'] as const).find((one) => assurances.includes(one));
  return worst ?? assurances.find((one) => one !== undefined);
}

function report(result: UpdateResult, entries: readonly EntryOutcome[]): RewrapReport {
  const { head, changed, generation, bytesWritten } = result;
  return { id: toHex(head.core.id), changed, entries, generation, bytesWritten };
}
