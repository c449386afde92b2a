/**
 * The slot protocol of SPEC section "Writing slots" as a model: `updateSlots` and `writeRegion`, step by step.
 *
 * A slot is two halves; it is valid when both come from the same write. The page cache is what every reader sees; the
 * disk is what is left after a power cut, and of what was not synced each slot may be there whole, not at all, or torn.
 * Every writer adds its own change to the list, so that a lost update shows.
 */
import type { Model } from './explore.ts';

export type Step =
  | { readonly do: 'read' | 're-read'; readonly slot: 0 | 1 }
  | { readonly do: 'sync' }
  | { readonly do: 'write'; readonly which: 'other' | 'current'; readonly half: 0 | 1; readonly zeros?: boolean }
  | { readonly do: 'read back'; readonly which: 'other' | 'current' };

const read: readonly Step[] = [
  { do: 'read', slot: 0 },
  { do: 'read', slot: 1 },
];
const sync: Step = { do: 'sync' };
const reread: readonly Step[] = [
  { do: 're-read', slot: 0 },
  { do: 're-read', slot: 1 },
];
const write = (which: 'other' | 'current', zeros = false): readonly Step[] => [
  { do: 'write', which, half: 0, zeros },
  { do: 'write', which, half: 1, zeros },
];
const region = (which: 'other' | 'current'): readonly Step[] => [...write(which), sync, { do: 'read back', which }];

/** What `updateSlots` does. */
const PROTOCOL: readonly Step[] = [...read, sync, ...reread, ...region('other'), ...region('current')];

/** Protocols that must not pass. */
export const MUTANTS = {
  /** An earlier design: the old slot is zeroed, not mirrored. */
  zeroScrub: [...read, sync, ...reread, ...region('other'), ...write('current', true), sync],
  noSyncBetween: [
    ...read,
    sync,
    ...reread,
    ...write('other'),
    { do: 'read back', which: 'other' },
    ...region('current'),
  ],
  currentFirst: [...read, sync, ...reread, ...region('current'), ...region('other')],
  noReread: [...read, sync, ...region('other'), ...region('current')],
  /** Nothing makes durable what a killed writer left in the page cache. */
  noSyncBefore: [...read, ...reread, ...region('other'), ...region('current')],
  noReadBack: [...read, sync, ...reread, ...write('other'), sync, ...write('current'), sync],
} satisfies Record<string, readonly Step[]>;

export interface Setting {
  readonly writers: 1 | 2 | 3;
  readonly lock: boolean;
  /** Whether a writer may stop for ever: never, between two writes, or in the middle of a write too. */
  readonly kill: 'never' | 'between writes' | 'anywhere';
  readonly powerCuts: boolean;
  readonly protocol?: readonly Step[];
  /** Whether two writes to one file may mix; a local file system holds a lock on the inode. */
  readonly mixedWrites?: boolean;
  /** The pair that the writers find; all of {@link STARTS} by default. */
  readonly starts?: readonly (readonly [number, number])[];
  readonly invariant: (view: View) => string | undefined;
}

/** What an invariant may ask about a state. */
export interface View {
  /** The changes in the list that a reader gets; undefined when no slot opens. */
  readonly changes: number | undefined;
  /** The changes of the writers that reported success. */
  readonly finished: number;
  /** Whether two writers were ever between re-reading and the end of their second write at once. */
  readonly overlapped: boolean;
  /** Whether no writer is at work any more. */
  readonly settled: boolean;
}

/** Contents of a slot: 0 is nothing valid; else a generation, the changes in the list, and who wrote it. */
const content = (generation: number, changes: number, author: number): number =>
  (generation << 6) | (changes << 3) | author;
const generationOf = (value: number): number => value >> 6;
const changesOf = (value: number): number => (value >> 3) & 7;
const SEALED = 4;
/** Not an author but a list that opens with no key, as damage with a right hash or a forger makes it. */
const JUNK = 5;
const opens = (value: number): boolean => value !== 0 && (value & 7) !== JUNK;

/** Every kind of pair in the recovery table. */
export const STARTS: readonly (readonly [number, number])[] = [
  [content(1, 0, SEALED), content(1, 0, SEALED)],
  [content(1, 0, SEALED), content(2, 0, SEALED)],
  [content(2, 0, SEALED), content(1, 0, SEALED)],
  [content(1, 0, SEALED), 0],
  [0, content(1, 0, SEALED)],
  [content(1, 0, SEALED), content(4, 0, JUNK)],
  [content(4, 0, JUNK), content(1, 0, SEALED)],
];

type Status = 'waiting' | 'running' | 'finished' | 'failed' | 'killed';

interface Writer {
  readonly status: Status;
  readonly at: number;
  /** The four halves as they were read. */
  readonly seen: readonly number[];
  readonly current: number;
  /** What it writes. */
  readonly planned: number;
}

export interface State {
  /** The page cache: both halves of A, both halves of B. */
  readonly cache: readonly number[];
  readonly disk: readonly number[];
  /** What a power cut may leave of each slot instead of what is on the disk. */
  readonly pending: readonly (readonly number[])[];
  readonly writers: readonly Writer[];
  readonly overlapped: boolean;
}

const NOTHING = [0, 0, 0, 0];
const idle = (status: Status): Writer => ({ status, at: 0, seen: NOTHING, current: 0, planned: 0 });
const whole = (halves: readonly number[], slot: number): number =>
  halves[2 * slot] === halves[2 * slot + 1] ? halves[2 * slot]! : 0;

/** The slot a reader uses: highest generation that opens, A before B. */
function choose(halves: readonly number[]): 0 | 1 | undefined {
  const [a, b] = [whole(halves, 0), whole(halves, 1)];
  if (!opens(a)) return opens(b) ? 1 : undefined;
  return opens(b) && generationOf(b) > generationOf(a) ? 1 : 0;
}

export function slotModel(setting: Setting): Model<State> {
  const { lock, powerCuts, kill } = setting;
  const protocol = setting.protocol ?? PROTOCOL;
  const rereadAt = protocol.findIndex((step) => step.do === 're-read');
  const firstWrite = protocol.findIndex((step) => step.do === 'write');
  const phase = rereadAt < 0 ? firstWrite : rereadAt;
  const inPhase = (writer: Writer): boolean => writer.status === 'running' && writer.at > phase;
  const isMidWrite = ({ status, at }: Writer): boolean => {
    const step = protocol[at];
    return status === 'running' && step?.do === 'write' && step.half === 1;
  };
  const slotOf = (writer: Writer, which: 'other' | 'current'): number =>
    which === 'current' ? writer.current : 1 - writer.current;

  /** The state after the next step of a writer, or undefined while it has to wait. */
  function advance(state: State, index: number): State | undefined {
    const writer = state.writers[index]!;
    const step = protocol[writer.at]!;
    let { cache, disk, pending } = state;
    let after: Writer = { ...writer, at: writer.at + 1 };
    switch (step.do) {
      case 'read':
      case 're-read': {
        const halves = [cache[2 * step.slot]!, cache[2 * step.slot + 1]!];
        if (step.do === 'read') {
          const seen = writer.seen.slice();
          seen.splice(2 * step.slot, 2, ...halves);
          after = { ...after, seen };
          if (step.slot === 1) {
            const current = choose(seen);
            if (current === undefined) after = idle('running');
            else {
              const highest = Math.max(generationOf(whole(seen, 0)), generationOf(whole(seen, 1)));
              const changes = changesOf(whole(seen, current)) | (1 << index);
              after = { ...after, current, planned: content(highest + 1, changes, index) };
              if (rereadAt < 0) after = { ...after, seen: NOTHING };
            }
          }
        } else if (halves.some((half, i) => half !== writer.seen[2 * step.slot + i])) {
          after = idle('running');
        } else if (step.slot === 1) {
          after = { ...after, seen: NOTHING };
        }
        break;
      }
      case 'sync':
        disk = powerCuts ? [whole(cache, 0), whole(cache, 1)] : disk;
        pending = [[], []];
        break;
      case 'write': {
        const busy = state.writers.some((other, i) => i !== index && isMidWrite(other));
        if (busy && setting.mixedWrites !== true) return undefined;
        const slot = slotOf(writer, step.which);
        const halves = cache.slice();
        halves[2 * slot + step.half] = step.zeros === true ? 0 : writer.planned;
        cache = halves;
        if (powerCuts) {
          const left = new Set([...pending[slot]!, 0, whole(cache, slot)]);
          pending = pending.map((list, i) => (i === slot ? [...left].sort((a, b) => a - b) : list));
        }
        break;
      }
      case 'read back':
        if (whole(cache, slotOf(writer, step.which)) !== writer.planned) after = idle('failed');
        break;
    }
    if (after.at === protocol.length) after = idle('finished');
    const writers = state.writers.with(index, after);
    const overlapped = state.overlapped || writers.filter(inPhase).length > 1;
    return { cache, disk, pending, writers, overlapped };
  }

  function* next(state: State): Generator<readonly [string, State]> {
    const { writers } = state;
    const busy = writers.some(({ status }) => status === 'running');
    for (const [i, writer] of writers.entries()) {
      const name = `writer ${i + 1}`;
      if (writer.status === 'waiting' && !(lock && busy)) {
        yield [`${name} begins`, { ...state, writers: writers.with(i, idle('running')) }];
      }
      if (writer.status !== 'running') continue;
      const after = advance(state, i);
      if (after !== undefined) yield [`${name}: ${describe(protocol[writer.at]!, writer)}`, after];
      if (kill === 'anywhere' || (kill === 'between writes' && !isMidWrite(writer))) {
        yield [`${name} is killed`, { ...state, writers: writers.with(i, idle('killed')) }];
      }
    }
    if (!powerCuts || !busy) return;
    const left = ([0, 1] as const).map((slot) => [...new Set([state.disk[slot]!, ...state.pending[slot]!])]);
    const stopped = writers.map((writer) => (writer.status === 'running' ? idle('killed') : writer));
    for (const a of left[0]!) {
      for (const b of left[1]!) {
        yield [
          `power cut; it leaves A ${show(a)}, B ${show(b)}`,
          { ...state, cache: [a, a, b, b], disk: [a, b], pending: [[], []], writers: stopped },
        ];
      }
    }
  }

  return {
    initial: (setting.starts ?? STARTS).map(([a, b]) => ({
      cache: [a, a, b, b],
      disk: [a, b],
      pending: [[], []],
      writers: Array.from({ length: setting.writers }, () => idle('waiting')),
      overlapped: false,
    })),
    key(state) {
      const numbers = [Number(state.overlapped), ...state.cache];
      if (powerCuts) numbers.push(...state.disk, ...state.pending.flatMap((list) => [list.length, ...list]));
      for (const { status, at, seen, current, planned } of state.writers) {
        numbers.push(status.charCodeAt(0) + status.length, at, ...seen, current, planned);
      }
      return String.fromCharCode(...numbers);
    },
    next,
    violation({ cache, writers, overlapped }) {
      const chosen = choose(cache);
      const finished = writers.reduce((all, { status }, i) => (status === 'finished' ? all | (1 << i) : all), 0);
      return setting.invariant({
        changes: chosen === undefined ? undefined : changesOf(whole(cache, chosen)),
        finished,
        overlapped,
        settled: !writers.some(({ status }) => status === 'running'),
      });
    },
  };

  function describe(step: Step, writer: Writer): string {
    const letter = (slot: number): string => (slot === 0 ? 'A' : 'B');
    if (step.do === 'sync') return 'fdatasync';
    if ('slot' in step) return `${step.do}s ${letter(step.slot)}`;
    const slot = letter(slotOf(writer, step.which));
    if (step.do === 'read back') return `reads ${slot} back`;
    return `writes half ${step.half + 1} of ${slot}: ${step.zeros === true ? 'zeros' : show(writer.planned)}`;
  }
}

function show(value: number): string {
  if (value === 0) return 'torn';
  const changes = [0, 1, 2].filter((i) => changesOf(value) & (1 << i)).map((i) => i + 1);
  return `generation ${generationOf(value)} with changes {${changes.join()}}`;
}

/** The data key can be reached in every state. */
export const keyKept = ({ changes }: View): string | undefined =>
  changes === undefined ? 'no slot is valid and opens: the key is lost' : undefined;

/** As {@link keyKept}, but a reader may have to wait for a writer that is at work. */
export const keyKeptInTheEnd = (view: View): string | undefined => (view.settled ? keyKept(view) : undefined);

/** And nothing that a writer reported as done is gone. */
export const nothingLost = (view: View): string | undefined =>
  keyKept(view) ?? ((view.finished & ~view.changes!) === 0 ? undefined : 'an update is lost');
