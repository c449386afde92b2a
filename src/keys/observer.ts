import { WaxsealError } from '../errors/index.ts';

/** What is watched (DESIGN "Observer and guard"). */
export type Operation =
  | 'seal'
  | 'open'
  | 'wrap'
  | 'unwrap'
  | 'rewrap'
  | 'reseal'
  | 'shred'
  | 'key.create'
  | 'key.rotate'
  | 'key.state'
  | 'recipients.change';

/** When an event is given: before a key is used, and when the operation has ended well or badly. */
export type Phase = 'intent' | 'done' | 'failed';

/** The facts of an event. A whitelist: nothing else can be attached, and no field ever holds a secret or a wrap. */
export interface EventFacts {
  /** Id of the object, 32 hexadecimal digits. */
  readonly objectId?: string | undefined;
  /** `bind` of the object, 64 hexadecimal digits. */
  readonly bind?: string | undefined;
  /** The authenticated-by-payload context of the object. */
  readonly context?: Readonly<Record<string, string>> | undefined;
  /** File path, where the operation works on one. */
  readonly path?: string | undefined;
  /** Key URI, without a version. */
  readonly keyUri?: string | undefined;
  /** Version of the key, as its provider calls it. */
  readonly keyVersion?: string | undefined;
  /** Number of the wrap algorithm. */
  readonly algorithm?: number | undefined;
  /** SHA-256 of the wrap, hexadecimal. */
  readonly wrapDigest?: string | undefined;
  /** For `key.state`. */
  readonly state?: string | undefined;
  /** How sure a new wrap is: `compared`, `recomputed`, `validated` or `unverified`. */
  readonly assurance?: string | undefined;
  /** Key versions before and after, for rewraps and changes of recipients. */
  readonly before?: readonly string[] | undefined;
  /** Key versions after; see `before`. */
  readonly after?: readonly string[] | undefined;
  /** Plaintext bytes. */
  readonly bytes?: number | undefined;
  /** Code of the error, for `failed`. */
  readonly code?: string | undefined;
  /** For warnings that a person should see, such as a damaged copy of the head. */
  readonly warning?: string | undefined;
}

/** One event. `operation` pairs the `intent` with its `done` or `failed`. */
export interface WaxsealEvent extends EventFacts {
  /** Operation and phase, such as `seal.intent`; or `warning`. */
  readonly type: `${Operation}.${Phase}` | 'warning';
  /** The same for all events of one operation, and another for every operation. */
  readonly operation: string;
  /** When it happened. */
  readonly time: Date;
}

/**
 * Called and awaited for every event. Throwing at an `*.intent` vetoes the operation before any key is used
 * (`ERR_VETOED`); throwing at a `*.done` fails the call with `ERR_OBSERVER`.
 */
export type Observe = (event: WaxsealEvent) => void | Promise<void>;

const FACTS: readonly (keyof EventFacts)[] = [
  'objectId',
  'bind',
  'context',
  'path',
  'keyUri',
  'keyVersion',
  'algorithm',
  'wrapDigest',
  'state',
  'assurance',
  'before',
  'after',
  'bytes',
  'code',
  'warning',
];

function event(type: WaxsealEvent['type'], operation: string, facts: EventFacts): WaxsealEvent {
  const out: Record<string, unknown> = { type, operation, time: new Date() };
  for (const name of FACTS) if (facts[name] !== undefined) out[name] = facts[name];
  return out as unknown as WaxsealEvent;
}

let counter = 0;

/** An operation that has been announced and not vetoed. Exactly one of the two ends it; later calls do nothing. */
export interface Announced {
  /** @throws WaxsealError `ERR_OBSERVER` when the observer throws */
  done(facts?: EventFacts): Promise<void>;
  failed(error: unknown): Promise<void>;
}

/**
 * Announces an operation: the observer may veto it.
 *
 * @throws WaxsealError `ERR_VETOED` when the observer throws
 */
export async function announce(
  observe: Observe | undefined,
  operation: Operation,
  facts: EventFacts,
): Promise<Announced> {
  if (observe === undefined) return UNOBSERVED;
  const id = `${String(process.pid)}-${String(++counter)}`;
  try {
    await observe(event(`${operation}.intent`, id, facts));
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    throw new WaxsealError('ERR_VETOED', `${operation} was refused before it began${why}`, { cause });
  }
  let ended = false;
  return {
    async done(more = {}) {
      if (ended) return;
      ended = true;
      try {
        await observe(event(`${operation}.done`, id, { ...facts, ...more }));
      } catch (cause) {
        const message = `${operation} was done, but the observer failed to take note of it`;
        throw new WaxsealError('ERR_OBSERVER', message, { cause });
      }
    },
    async failed(error) {
      if (ended) return;
      ended = true;
      const code = error instanceof WaxsealError ? error.code : 'ERR_INTERNAL';
      // The operation's own error is the one that the caller needs; a failing observer must not hide it.
      try {
        await observe(event(`${operation}.failed`, id, { ...facts, code }));
      } catch {
        return;
      }
    },
  };
}

const UNOBSERVED: Announced = { done: () => Promise.resolve(), failed: () => Promise.resolve() };

/**
 * Runs `work` between an intent event and its outcome. `outcome` may add facts to the `done` event.
 *
 * @param facts or what gathers them, where that costs something: it is called only when somebody watches
 * @throws WaxsealError `ERR_VETOED` when the observer throws at the intent: `work` was not started
 * @throws WaxsealError `ERR_OBSERVER` when the observer throws at the end: `work` had been done
 */
export function observed<T>(
  observe: Observe | undefined,
  operation: Operation,
  facts: EventFacts | (() => EventFacts),
  work: () => Promise<T>,
  outcome: (result: T) => EventFacts = () => ({}),
): Promise<T> {
  return observe === undefined ? work() : watched(observe, operation, facts, work, outcome);
}

async function watched<T>(
  observe: Observe,
  operation: Operation,
  facts: EventFacts | (() => EventFacts),
  work: () => Promise<T>,
  outcome: (result: T) => EventFacts,
): Promise<T> {
  const announced = await announce(observe, operation, typeof facts === 'function' ? facts() : facts);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await announced.failed(error);
    throw error;
  }
  await announced.done(outcome(result));
  return result;
}

/** Tells the observer of something that a person should look into. */
export async function warn(observe: Observe | undefined, warning: string, facts: EventFacts = {}): Promise<void> {
  if (observe === undefined) return;
  await observe(event('warning', `${String(process.pid)}-${String(++counter)}`, { ...facts, warning }));
}
