/** Recipients made exactly what is wanted: primary, disaster recovery and offline escrow; and leaving a cloud. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, open, quorum, seal, setRecipients, verify } from '../../../src/envelope/index.ts';
import { x25519KeyPair, x25519Recipient } from '../../../src/keys/x25519/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { bytesOfEntries } from '../quorum/support.ts';
import { forgedEntry, withEntries } from '../support/forged.ts';

const plaintext = pattern(3_000);
const world = () => {
  const [primary, recovery, old] = [memoryKey('local:primary'), memoryKey('local:recovery'), memoryKey('local:old')];
  const escrow = x25519KeyPair(new Uint8Array(32).fill(5));
  return { primary, recovery, old, escrow, wanted: [primary, recovery, x25519Recipient(escrow.uri)] };
};

describe('setRecipients', () => {
  it('keeps who is there byte for byte, adds who is missing, removes the others, all at once', async () => {
    const { primary, recovery, old, escrow, wanted } = world();
    const path = join(await temporaryFolder(), 'x.wax');
    const sealed = await seal(plaintext, [old, primary]);
    await writeFile(path, sealed);
    const before = await bytesOfEntries(sealed);
    const dry = await setRecipients(path, old, wanted, { dryRun: true });
    expect(await readFile(path)).toEqual(Buffer.from(sealed));
    const report = await setRecipients(path, old, wanted);
    expect(report.entries.map(({ uri, action }) => [uri, action])).toEqual([
      ['local:primary', 'kept'],
      ['local:recovery', 'added'],
      [escrow.uri, 'added'],
      ['local:old', 'removed'],
    ]);
    expect(dry.entries.map(({ action }) => action)).toEqual(report.entries.map(({ action }) => action));
    const after = new Uint8Array(await readFile(path));
    expect((await bytesOfEntries(after))[0]).toBe(before[1]);
    for (const key of [primary, recovery, escrow]) expect(await open(after, key)).toEqual(plaintext);
    await expect(open(after, old)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    expect((await verify(after, [primary, recovery, escrow])).findings).toEqual([]);
    expect(await setRecipients(path, primary, wanted)).toMatchObject({ changed: false });
  });

  it('takes a quorum for the escrow, and keeps it', async () => {
    const { primary, recovery, old, escrow } = world();
    const group = quorum(2, [recovery, escrow, old]);
    const sealed = await seal(plaintext, old);
    const after = await setRecipients(sealed, old, [primary, group]);
    expect(await open(after, [escrow, old])).toEqual(plaintext);
    const again = await setRecipients(after, primary, [primary, group]);
    expect(await bytesOfEntries(again)).toEqual(await bytesOfEntries(after));
    expect((await inspect(again)).recipients).toHaveLength(4);
  });

  it('does not take a forged entry for one of them (attack 7)', async () => {
    const { primary, old } = world();
    const sealed = await seal(plaintext, old);
    const forged = await withEntries(sealed, (entries) => [...entries, forgedEntry(primary.uri, 1, 'x')]);
    const after = await setRecipients(forged, old, primary);
    expect(await open(after, primary)).toEqual(plaintext);
    expect((await inspect(after)).recipients.map(({ version }) => version)).toEqual(['1']);
  });

  it('refuses nobody, somebody twice, and unknown options; the object stays', async () => {
    const { primary, old } = world();
    const sealed = await seal(plaintext, old);
    await expect(setRecipients(sealed, old, [])).rejects.toBeInstanceOf(TypeError);
    await expect(setRecipients(sealed, old, [primary, primary])).rejects.toThrow(/named twice/);
    await expect(setRecipients(sealed, old, primary, { x: 1 } as never)).rejects.toBeInstanceOf(TypeError);
    await expect(setRecipients(sealed, primary, primary)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
  });
});
