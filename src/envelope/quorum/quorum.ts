import type { KeyProvider } from '../../keys/provider.ts';
import { MAX_CUSTODIANS } from '../format/limits.ts';

/**
 * Keys of which several together open an object, and fewer learn nothing of it: k of n custodians (SPEC section
 * "Quorum"). Seal to one with {@link quorum}; opening takes the keys of any k custodians, or the quorum itself.
 */
export class Quorum {
  /** How many custodians it takes. */
  readonly threshold: number;
  /** The custodians' keys, each of which gets one share. */
  readonly custodians: readonly KeyProvider[];

  /** @internal */
  constructor(threshold: number, custodians: readonly KeyProvider[]) {
    this.threshold = threshold;
    this.custodians = custodians;
  }

  /** `quorum:K(URI,URI,…)`: how people name it. Objects record the URIs of the custodians. */
  get uri(): string {
    return quorumUri(
      this.threshold,
      this.custodians.map(({ uri }) => uri),
    );
  }
}

/** The URI of a quorum. */
export function quorumUri(threshold: number, uris: readonly string[]): string {
  return `quorum:${String(threshold)}(${uris.join(',')})`;
}

/**
 * A quorum to seal to: any `threshold` of the custodians open together what is sealed to it. A custodian is any key, also
 * the public key of a person (`x25519Recipient`).
 *
 * @param threshold how many custodians it takes, 2 or more
 * @param custodians 2 to 16 keys, each with another URI
 * @throws RangeError for numbers outside these; TypeError for what is no key, and for one that is named twice
 *
 * @example
 * const custodians = ['alice', 'bob', 'carol'].map((name) => keyring.key(name));
 * await sealFile('model.onnx', 'model.onnx.wax', [keyring.key('default'), quorum(2, custodians)]);
 * await openFile('model.onnx.wax', 'model.onnx', custodians.slice(1));
 */
export function quorum(threshold: number, custodians: readonly KeyProvider[]): Quorum {
  const total = custodians.length;
  if (threshold === 1) {
    throw new RangeError('quorum: of one key each is enough where several are recipients: list them without a quorum');
  }
  if (!Number.isSafeInteger(threshold) || threshold < 2 || total > MAX_CUSTODIANS || threshold > total) {
    throw new RangeError(
      `quorum: ${String(threshold)} of ${String(total)} is not possible; it takes 2 or more of at most ${String(MAX_CUSTODIANS)}`,
    );
  }
  const seen = new Set<string>();
  for (const custodian of custodians) {
    if (typeof (custodian as Partial<KeyProvider> | null)?.wrap !== 'function') {
      throw new TypeError('quorum: a custodian must be a KeyProvider');
    }
    if (seen.has(custodian.uri)) throw new TypeError(`quorum: ${custodian.uri} is named twice`);
    seen.add(custodian.uri);
  }
  return Object.freeze(new Quorum(threshold, Object.freeze([...custodians])));
}
