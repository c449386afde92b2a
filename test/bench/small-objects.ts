import { randomFillSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, seal } from '../../src/envelope/index.ts';
import { createLocalKeyring } from '../../src/keys/local/index.ts';
import { hasAwsEncryptionSdk, loadAwsEncryptionSdk } from './peers/peers.ts';

/** What the figures are about: a database value, a token, a small record. */
const SMALL_BYTES = 1024;

const WARM_UP_MS = 3500;

export interface SmallObjectRates {
  /** Bytes of our sealed object. */
  readonly sealedBytes: number;
  /** Seal plus open, one after the other, a second; medians of the rounds. */
  readonly ours: number;
  /** The AWS Encryption SDK with the suite that it uses by default, and with its suite without a signature. */
  readonly signed: number | undefined;
  readonly unsigned: number | undefined;
}

/** Encrypts and decrypts once, and gives how long the encrypted message is. */
type Pair = () => Promise<number>;

/**
 * Seals and opens 1 KiB with a local key in the compact layout, against the AWS Encryption SDK with a raw AES keyring:
 * keys at hand, no network, one operation at a time. The rounds of all contestants take turns, so that a noisy
 * neighbour hits them alike.
 */
export async function measureSmallObjects(rounds: number, roundMs: number): Promise<SmallObjectRates> {
  const folder = await mkdtemp(join(tmpdir(), 'waxseal-bench-'));
  const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'unlock.key') });
  try {
    await ring.create('default');
    const plaintext = randomFillSync(new Uint8Array(SMALL_BYTES));
    const pairs = { ours: ourPair(plaintext, ring.key('default')), ...peerPairs(plaintext) };
    const sealedBytes = await pairs.ours();
    const rates = new Map<string, number[]>(Object.keys(pairs).map((name) => [name, []]));
    // Also until the folder of the key, which has just been made, has come to rest: that is how a key in use lies.
    const warm = performance.now();
    while (performance.now() - warm < WARM_UP_MS) for (const pair of Object.values(pairs)) await rateOf(pair, roundMs);
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, pair] of Object.entries(pairs)) rates.get(name)?.push(await rateOf(pair, roundMs));
    }
    const medianOf = (name: string): number | undefined => median(rates.get(name) ?? []);
    return {
      sealedBytes,
      ours: medianOf('ours') ?? Number.NaN,
      signed: medianOf('signed'),
      unsigned: medianOf('unsigned'),
    };
  } finally {
    ring.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lines for people; without the peer they say what brings it. */
export function describeSmallObjects({ sealedBytes, ours, signed, unsigned }: SmallObjectRates): string[] {
  const line = (name: string, rate: number): string =>
    `  ${name.padEnd(38)} ${rate.toFixed(0).padStart(6)} /s   ${(ours / rate).toFixed(1)} x`;
  return [
    `seal plus open of ${String(SMALL_BYTES)} bytes, compact (${String(sealedBytes)} bytes), local key; x: ours to theirs`,
    line('waxseal', ours),
    ...(signed === undefined ? [] : [line('AWS Encryption SDK, default (signed)', signed)]),
    ...(unsigned === undefined ? [] : [line('AWS Encryption SDK, unsigned', unsigned)]),
  ];
}

function ourPair(plaintext: Uint8Array, key: Parameters<typeof seal>[1]): Pair {
  return async () => {
    const sealed = await seal(plaintext, key, { layout: 'compact' });
    assertSame(await open(sealed, key), plaintext);
    return sealed.length;
  };
}

/** Nothing when the peer has not been installed. */
function peerPairs(plaintext: Uint8Array): { signed?: Pair; unsigned?: Pair } {
  if (!hasAwsEncryptionSdk()) return {};
  const sdk = loadAwsEncryptionSdk();
  const { encrypt, decrypt } = sdk.buildClient(sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const keyring = new sdk.RawAesKeyringNode({
    keyName: 'default',
    keyNamespace: 'bench',
    // It refuses a key in memory that is shared with other buffers.
    unencryptedMasterKey: randomFillSync(new Uint8Array(new ArrayBuffer(32))),
    wrappingSuite: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  const pair = (suiteName: string, options: { suiteId?: number }): Pair => {
    const wanted = sdk.AlgorithmSuiteIdentifier[suiteName];
    return async () => {
      const { result, messageHeader } = await encrypt(keyring, plaintext, options);
      if (messageHeader.suiteId !== wanted) throw new RangeError(`the peer did not use ${suiteName}`);
      assertSame((await decrypt(keyring, result)).plaintext, plaintext);
      return result.length;
    };
  };
  const unsigned = 'ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY';
  const suiteId = sdk.AlgorithmSuiteIdentifier[unsigned];
  if (suiteId === undefined) throw new RangeError(`the peer has no suite ${unsigned}`);
  return {
    signed: pair('ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384', {}),
    unsigned: pair(unsigned, { suiteId }),
  };
}

/** Pairs a second over about `ms` milliseconds. */
async function rateOf(pair: Pair, ms: number): Promise<number> {
  const start = performance.now();
  let pairs = 0;
  let elapsed: number;
  do {
    await pair();
    pairs += 1;
    elapsed = performance.now() - start;
  } while (elapsed < ms);
  return (pairs * 1000) / elapsed;
}

function assertSame(opened: Uint8Array, plaintext: Uint8Array): void {
  if (Buffer.compare(opened, plaintext) !== 0) throw new RangeError('the plaintext did not come back');
}

function median(values: number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
