import { type ErrorCode, refuseUnknownOptions } from '../../errors/index.ts';
import type { KeyProvider } from '../provider.ts';
import { type KeyPlace, placeOf, USUAL_ORDER } from './preference.ts';
import { WatchedKey } from './watched-key.ts';

/** Options of {@link failover}. */
export interface FailoverOptions {
  /** The region of a cloud that is near, such as `eu-central-1`: its keys come first. */
  readonly region?: string | undefined;
  /** Which places come first; `near`, `remote`, `offline` by default. Within one, the order of the keys stays. */
  readonly order?: readonly KeyPlace[] | undefined;
  /** Milliseconds after which the next key is tried while the first has not answered; 3,000 by default. */
  readonly slowMs?: number | undefined;
  /** Milliseconds that a failure is remembered before one caller tries the key first again; 30,000 by default. */
  readonly recoverMs?: number | undefined;
}

const SLOW_MS = 3_000;
const RECOVER_MS = 30_000;
const MAX_MS = 2 ** 31 - 1;

/**
 * Keys of which any opens, in an order that follows what works. A key that is down, denied or slow is remembered and comes
 * last for a while, and after that one caller tries it first again: the others do not wait for it. No key is ever left out.
 * What failed is told: in `openedBy.failed`, and as a warning to the observer, also while the key is passed over. Callers
 * who open the same object at the same time share one call.
 *
 * Make it once and use it for all objects: it is what remembers.
 *
 * @throws TypeError and RangeError for wrong options
 *
 * @example
 * const keys = failover([keyring.key('default'), keyring.key('recovery')], { slowMs: 1_000 });
 * await openFile('model.onnx.wax', 'model.onnx', keys);
 */
export function failover(keys: readonly KeyProvider[], options: FailoverOptions = {}): Failover {
  refuseUnknownOptions('failover', options, ['region', 'order', 'slowMs', 'recoverMs']);
  const { region, order = USUAL_ORDER, slowMs = SLOW_MS, recoverMs = RECOVER_MS } = options;
  if (!(keys instanceof Array) || keys.length === 0) throw new TypeError('failover: at least one key is needed');
  if (order.some((place) => !USUAL_ORDER.includes(place)) || new Set(order).size !== order.length) {
    throw new TypeError(`failover: order names ${USUAL_ORDER.join(', ')}, each once at most`);
  }
  for (const [name, ms] of Object.entries({ slowMs, recoverMs })) {
    if (!Number.isSafeInteger(ms) || ms < 1 || ms > MAX_MS) {
      throw new RangeError(`failover: ${name} must be a number of milliseconds`);
    }
  }
  const rank = (key: KeyProvider): number => {
    const at = order.indexOf(placeOf(key.uri, region));
    return at === -1 ? order.length : at;
  };
  const sorted = [...keys].sort((a, b) => rank(a) - rank(b));
  return new Failover(sorted.map((key) => new WatchedKey(key, { slowMs, recoverMs })));
}

/** A key that does not work at the moment. */
export interface KeyTrouble {
  /** Key URI, without a version. */
  readonly uri: string;
  /** Code of the error. */
  readonly code: ErrorCode;
  /** What happened. */
  readonly message: string;
}

/** See {@link failover}. */
export class Failover {
  readonly #watched: readonly WatchedKey[];

  /** @internal */
  constructor(watched: readonly WatchedKey[]) {
    this.#watched = watched;
  }

  /** The keys in the order in which they are to be tried now. Those that do not work come last, and wait longest. */
  inOrder(): readonly KeyProvider[] {
    const now = performance.now();
    const [first, last]: [WatchedKey[], WatchedKey[]] = [[], []];
    for (const one of this.#watched) {
      const { health } = one;
      const isTrial = health.trouble !== undefined && now >= health.nextTrial;
      // The others, for as long, do not try it first, too.
      if (isTrial) health.nextTrial = now + one.recoverMs;
      (health.trouble === undefined || isTrial ? first : last).push(one);
    }
    return [
      ...first.map(({ bounded }) => bounded),
      ...last.map(({ patient }) => patient),
      ...first.map(({ second }) => second),
    ];
  }

  /** The keys that do not work at the moment, and why. */
  troubles(): readonly KeyTrouble[] {
    return this.#watched.flatMap(({ key, health: { trouble } }) =>
      trouble === undefined ? [] : [{ uri: key.uri, code: trouble.code, message: trouble.message }],
    );
  }
}
