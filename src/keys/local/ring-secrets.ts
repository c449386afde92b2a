import { createHmac } from 'node:crypto';
import { fromBase64Url, toBase64Url } from '../../bytes/index.ts';
import { expandLabel } from '../../crypto/hkdf.ts';
import { equalSecrets, randomPublic, zero } from '../../crypto/secrets.ts';
import { BOX_NONCE_LENGTH, openBox, sealBox } from './secret-box.ts';
import { canonicalJson, type JsonRecord, without } from './record.ts';

export const KEK_LENGTH = 32;
export const MASTER_KEY_LENGTH = 32;
export const MAC_LENGTH = 32;

/** nonce ‖ secretbox of a 32-byte key */
export const SEALED_KEY_LENGTH = BOX_NONCE_LENGTH + 16 + 32;

/** Seals a 32-byte key: nonce(24) ‖ secretbox. */
function sealKey(key: Uint8Array, under: Uint8Array): Uint8Array {
  const nonce = randomPublic(BOX_NONCE_LENGTH);
  const out = new Uint8Array(SEALED_KEY_LENGTH);
  out.set(nonce);
  out.set(sealBox(key, nonce, under), BOX_NONCE_LENGTH);
  return out;
}

/** The inverse of {@link sealKey}; undefined when it was not sealed under this key. The caller zeroes the result. */
export function openKey(sealed: Uint8Array, under: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  return openBox(sealed.subarray(BOX_NONCE_LENGTH), sealed.subarray(0, BOX_NONCE_LENGTH), under);
}

/** HMAC-SHA-256 over the canonical form of a record without its MAC. */
export function recordMac(record: JsonRecord, key: Uint8Array): Uint8Array {
  return new Uint8Array(
    createHmac('sha256', key)
      .update(canonicalJson(without(record, 'mac')))
      .digest(),
  );
}

/**
 * The master key of an unlocked keyring, and all that is done with it. Every method is synchronous and throws once the
 * keyring was closed, so that nothing is ever sealed under a key that has been zeroed.
 */
export class RingSecrets {
  readonly id: Uint8Array;
  readonly #master: Uint8Array;
  readonly #macKey: Uint8Array;
  #closed = false;

  /** @param master taken over: it is zeroed by {@link close} */
  constructor(id: Uint8Array, master: Uint8Array<ArrayBuffer>) {
    this.id = id;
    this.#master = master;
    this.#macKey = expandLabel(master, 'waxseal/1 keyring-mac', [id], MAC_LENGTH);
  }

  /** @throws TypeError when the keyring was closed */
  assertOpen(): void {
    if (this.#closed) throw new TypeError('the keyring was closed');
  }

  sealKek(kek: Uint8Array, keyId: Uint8Array): Uint8Array {
    return this.#under('waxseal/1 keyring-kek', keyId, (key) => sealKey(kek, key));
  }

  openKek(sealed: Uint8Array, keyId: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    return this.#under('waxseal/1 keyring-kek', keyId, (key) => openKey(sealed, key));
  }

  /** Seals the private key of an X25519 pair. */
  sealPrivateKey(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    return this.#under('waxseal/1 keyring-x25519', publicKey, (key) => sealKey(privateKey, key));
  }

  openPrivateKey(sealed: Uint8Array, publicKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    return this.#under('waxseal/1 keyring-x25519', publicKey, (key) => openKey(sealed, key));
  }

  /** The record with its MAC. Its `kind` keeps the MACs of different files apart. */
  authenticate(record: JsonRecord): JsonRecord {
    this.assertOpen();
    return { ...record, mac: toBase64Url(recordMac(record, this.#macKey)) };
  }

  isAuthentic(record: JsonRecord): boolean {
    this.assertOpen();
    const mac = typeof record.mac === 'string' ? fromBase64Url(record.mac) : undefined;
    return mac !== undefined && equalSecrets(mac, recordMac(record, this.#macKey));
  }

  /** The MAC of a whole backup. */
  backupMac(record: JsonRecord): Uint8Array {
    return this.#under('waxseal/1 keyring-backup', this.id, (key) => recordMac(record, key));
  }

  /** Seals the master key itself, for keyring.json and backups. */
  sealMaster(under: Uint8Array): Uint8Array {
    this.assertOpen();
    return sealKey(this.#master, under);
  }

  /** Whether both hold the same master key of the same keyring. */
  sameAs(other: RingSecrets): boolean {
    this.assertOpen();
    other.assertOpen();
    return equalSecrets(this.#master, other.#master) && Buffer.compare(this.id, other.id) === 0;
  }

  close(): void {
    this.#closed = true;
    zero(this.#master, this.#macKey);
  }

  #under<T>(label: string, x: Uint8Array, work: (key: Uint8Array) => T): T {
    this.assertOpen();
    const key = expandLabel(this.#master, label, [x], 32);
    try {
      return work(key);
    } finally {
      zero(key);
    }
  }
}
