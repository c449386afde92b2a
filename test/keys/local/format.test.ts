import { createHmac, scryptSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { createLocalKeyring } from '../../../src/keys/local/index.ts';
import { damaged } from '../../../src/keys/local/damage.ts';
import { fieldsOf } from '../../../src/keys/local/fields.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { cheap, random, testRing } from './rings.ts';

/** HKDF-Expand-SHA-384(key, label ‖ 00 ‖ x, length), from RFC 5869, without our code. */
function expand(key: Uint8Array, label: string, x: Uint8Array, length = 32): Uint8Array {
  const info = Buffer.concat([Buffer.from(label, 'latin1'), Buffer.from([0]), x, Buffer.from([1])]);
  return new Uint8Array(createHmac('sha384', key).update(info).digest().subarray(0, length));
}

function openBox(sealed: Uint8Array, key: Uint8Array): Uint8Array {
  const opened = nacl.secretbox.open(sealed.slice(24), sealed.slice(0, 24), key);
  if (opened === null) throw new Error('the box does not open');
  return opened;
}

type Json = Record<string, unknown>;
const bytes = (value: unknown): Uint8Array => new Uint8Array(Buffer.from(value as string, 'base64url'));
const load = async (path: string): Promise<Json> => JSON.parse(await readFile(path, 'utf8')) as Json;

/** Compact JSON with sorted names, of flat records with at most one level below. */
function canonical(record: Json): string {
  const fields = Object.keys(record).sort();
  const text = fields.map((name) => {
    const value = record[name];
    const shown = typeof value === 'object' && value !== null ? canonical(value as Json) : JSON.stringify(value);
    return `${JSON.stringify(name)}:${shown}`;
  });
  return `{${text.join(',')}}`;
}

function mac(record: Json, key: Uint8Array): string {
  const rest = Object.fromEntries(Object.entries(record).filter(([name]) => name !== 'mac' && name !== 'sha256'));
  return createHmac('sha256', key).update(canonical(rest)).digest('base64url');
}

/** Opens a wrap from nothing but the files: a second implementation of the keyring. */
async function openByHand(
  folder: string,
  unlockKeys: Uint8Array,
  wrap: Uint8Array,
  bind: Uint8Array,
): Promise<Uint8Array> {
  const ring = await load(join(folder, 'keyring.json'));
  expect(mac(ring, unlockKeys.slice(32))).toBe(ring.mac);
  const master = openBox(bytes(ring.masterKey), unlockKeys.slice(0, 32));
  const version = await load(join(folder, 'keys/default/00000001.json'));
  expect(mac(version, expand(master, 'waxseal/1 keyring-mac', bytes(ring.id)))).toBe(version.mac);
  const keyId = bytes(version.keyId);
  const kek = openBox(bytes(version.kek), expand(master, 'waxseal/1 keyring-kek', keyId));
  return openBox(wrap, expand(kek, 'waxseal/1 local', Buffer.concat([keyId, bind])));
}

describe('the files of a keyring can be read without our code', () => {
  it('under a passphrase', async () => {
    const folder = join(await temporaryFolder(), 'ring');
    const ring = await createLocalKeyring(folder, { passphrase: 'Z\u00e9br\u00e5' }, cheap);
    await ring.create('default');
    const [secret, bind] = [random(), random()];
    const { wrap, version } = await ring.key('default').wrap(secret, bind);
    expect(wrap).toHaveLength(24 + 16 + 32);
    const { unlock } = await load(join(folder, 'keyring.json'));
    const { N, r, p, salt } = unlock as { N: number; r: number; p: number; salt: string };
    const unlockKeys = scryptSync(Buffer.from('Z\u00e9br\u00e5', 'utf8'), bytes(salt), 64, {
      N,
      r,
      p,
      maxmem: 2 ** 26,
    });
    expect(await openByHand(folder, unlockKeys, wrap, bind)).toEqual(secret);
    const { keyId } = await load(join(folder, 'keys/default/00000001.json'));
    expect(version).toBe(`1.${String(keyId)}`);
  });

  it('under a key file', async () => {
    const { ring, folder, unlock } = await testRing();
    const [secret, bind] = [random(64), random()];
    const { wrap } = await ring.key('default').wrap(secret, bind);
    const key = bytes((await readFile(unlock.keyFile, 'latin1')).trim());
    const { unlock: how } = await load(join(folder, 'keyring.json'));
    const salt = bytes((how as { salt: string }).salt);
    const half = (at: number): Uint8Array =>
      expand(key, 'waxseal/1 keyring-unlock', Buffer.concat([salt, Buffer.from([at])]));
    expect(await openByHand(folder, Buffer.concat([half(0), half(1)]), wrap, bind)).toEqual(secret);
  });
});

describe('the fields of a record', () => {
  it('are exactly those that the format has', () => {
    const record = { a: 'AAAA', n: 3, at: '2026-01-02T03:04:05.678Z' };
    const names = ['a', 'n', 'at'];
    const fields = fieldsOf(record, names, 'f');
    expect([fields.text('a'), fields.integer('n', 1, 3), fields.date('at').getTime()]).toEqual([
      'AAAA',
      3,
      1767323045678,
    ]);
    const refused: (() => unknown)[] = [
      () => fieldsOf({ ...record, more: 1 }, names, 'f'),
      () => fieldsOf({ a: 'x' }, names, 'f'),
      () => fields.bytes('a', 4),
      () => fields.bytes('n', 3),
      () => fields.integer('n', 4, 9),
      () => fields.integer('n', 0, 2),
      () => fields.integer('a', 0, 9),
      () => fields.date('a'),
      () => fieldsOf({ at: '2026-01-02' }, ['at'], 'f').date('at'),
      () => fields.record('a'),
      () => fields.list('a'),
    ];
    for (const work of refused)
      expect(work, String(work)).toThrow(expect.objectContaining({ code: damaged('', '').code }));
  });
});
