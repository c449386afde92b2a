/** Run by small-objects.ts: one contestant, which works for as many milliseconds as it is sent, and sends its rate. */
import { randomFillSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, seal } from '../../src/envelope/index.ts';
import { createLocalKeyring } from '../../src/keys/local/index.ts';
import { loadAwsEncryptionSdk } from './peers/peers.ts';
import { SMALL_BYTES } from './small-objects.ts';

export type Contestant = 'ours' | 'signed' | 'unsigned';

const SUITES = {
  signed: 'ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384',
  unsigned: 'ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY',
} as const;

/** Encrypts and decrypts once, and gives how long the encrypted message is. */
type Pair = () => Promise<number>;

async function ourPair(plaintext: Uint8Array, folder: string): Promise<Pair> {
  const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'unlock.key') });
  await ring.create('default');
  const key = ring.key('default');
  return async () => {
    const sealed = await seal(plaintext, key, { layout: 'compact' });
    assertSame(await open(sealed, key), plaintext);
    return sealed.length;
  };
}

function peerPair(plaintext: Uint8Array, name: 'signed' | 'unsigned'): Pair {
  const sdk = loadAwsEncryptionSdk();
  const { encrypt, decrypt } = sdk.buildClient(sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const keyring = new sdk.RawAesKeyringNode({
    keyName: 'default',
    keyNamespace: 'bench',
    // It refuses a key in memory that is shared with other buffers.
    unencryptedMasterKey: randomFillSync(new Uint8Array(new ArrayBuffer(32))),
    wrappingSuite: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  const suiteId = sdk.AlgorithmSuiteIdentifier[SUITES[name]];
  if (suiteId === undefined) throw new RangeError(`the peer has no suite ${SUITES[name]}`);
  // The signed one is what it takes when nothing is said.
  const options = name === 'signed' ? {} : { suiteId };
  return async () => {
    const { result, messageHeader } = await encrypt(keyring, plaintext, options);
    if (messageHeader.suiteId !== suiteId) throw new RangeError(`the peer did not use ${SUITES[name]}`);
    assertSame((await decrypt(keyring, result)).plaintext, plaintext);
    return result.length;
  };
}

function assertSame(opened: Uint8Array, plaintext: Uint8Array): void {
  if (Buffer.compare(opened, plaintext) !== 0) throw new RangeError('the plaintext did not come back');
}

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

if (process.send !== undefined) {
  const name = process.argv[2] as Contestant;
  const folder = await mkdtemp(join(tmpdir(), 'waxseal-bench-'));
  const plaintext = randomFillSync(new Uint8Array(SMALL_BYTES));
  const pair = name === 'ours' ? await ourPair(plaintext, folder) : peerPair(plaintext, name);
  process.on('message', (ms) => void rateOf(pair, Number(ms)).then((rate) => process.send?.(rate)));
  process.on('disconnect', () => void rm(folder, { recursive: true, force: true }).then(() => process.exit()));
  process.send(await pair());
}
