import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../../src/bytes/index.ts';
import { KEYRING_FILE, openHeader, readHeader } from '../../../src/keys/local/keyring-file.ts';
import { readRecordFile } from '../../../src/keys/local/key-records.ts';
import { openKey } from '../../../src/keys/local/ring-secrets.ts';
import { deriveUnlockKeys } from '../../../src/keys/local/unlock.ts';
import { startChild } from './child.ts';
import { random, testRing } from './rings.ts';

/** Whether this process may look into the memory of a child. */
const canLook = process.platform === 'linux';

/** The names of those needles that are to be found in the writable memory of a process. */
function search(pid: number, needles: ReadonlyMap<string, Uint8Array>): string[] {
  const found = new Set<string>();
  const memory = openSync(`/proc/${String(pid)}/mem`, 'r');
  const chunk = Buffer.alloc(16 * 2 ** 20);
  try {
    for (const line of readFileSync(`/proc/${String(pid)}/maps`, 'latin1').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (match === null) continue;
      const [start, end] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
      for (let at = start; at < end; at += chunk.length - 64) {
        let length;
        try {
          length = readSync(memory, chunk, 0, Math.min(chunk.length, end - at), at);
        } catch {
          break;
        }
        for (const [name, needle] of needles)
          if (chunk.subarray(0, length).includes(Buffer.from(needle))) found.add(name);
      }
    }
  } finally {
    closeSync(memory);
  }
  return [...found].sort();
}

describe.runIf(canLook)('attack 26: after close', () => {
  it('no key of the keyring is to be found in the memory of the process', async () => {
    const { ring, folder, unlock, base } = await testRing();
    const [dataKey, bind] = [random(), random()];
    const { version, wrap } = await ring.key('default').wrap(dataKey, bind);

    // What the child must not remember, worked out here.
    const header = await readHeader(folder);
    if (header === undefined) throw new Error('no keyring');
    const unlockKeys = await deriveUnlockKeys(unlock, header.unlock, base);
    const secrets = await openHeader(header, unlock, join(folder, KEYRING_FILE));
    const path = join(folder, 'keys/default/00000001.json');
    const record = readRecordFile(readFileSync(path), secrets, path, { name: 'default', n: 1 });
    if (record.type !== 'version') throw new Error('no version');
    const keyFile = readFileSync(unlock.keyFile);
    const needles = new Map<string, Uint8Array>([
      ['KEK', secrets.openKek(record.sealedKek, record.keyId) ?? random()],
      ['data key', dataKey],
      ['key file', keyFile.subarray(0, 43)],
      ['key of the key file', Buffer.from(keyFile.toString('latin1'), 'base64url')],
      ['master key', openKey(header.sealedMaster, unlockKeys.subarray(0, 32)) ?? random()],
      ['sealing key', unlockKeys.subarray(0, 32)],
      ['committing key', unlockKeys.subarray(32)],
    ]);

    const args = [folder, unlock.keyFile, version, toBase64Url(wrap), toBase64Url(bind)];
    const child = startChild('closing-process.ts', args, { nodeOptions: ['--expose-gc'] });
    const pid = child.process.pid ?? 0;
    try {
      expect((await child.lines.next()).value).toBe('open');
      // The search itself works: what is in use is found.
      expect(search(pid, needles)).toEqual(expect.arrayContaining(['KEK', 'data key', 'master key']));
      child.process.stdin?.write('\n');
      expect((await child.lines.next()).value).toBe('closed');
      expect(search(pid, needles)).toEqual([]);
    } finally {
      child.process.kill('SIGKILL');
      await child.end();
    }
  });
});
