import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openLocalKeyring } from '../../../src/keys/local/index.ts';
import { fromBase64Url } from '../../../src/bytes/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';
import { startChild } from './child.ts';
import { testRing } from './rings.ts';

interface Report {
  readonly version: string;
  readonly wrap: string;
  readonly secret: string;
  readonly binding: string;
}

const bytes = (text: string): Uint8Array => fromBase64Url(text) ?? new Uint8Array();

describe('attack 20: two processes rotate one key together and are killed at random', () => {
  it('every wrap that was ever made unwraps', async () => {
    const { ring, folder, unlock } = await testRing();
    const reports: Report[] = [];
    let kills = 0;
    for (let round = 0; round < scaled(5, 40, 400); round++) {
      const children = [0, 1].map(() => startChild('rotating-process.ts', [folder, unlock.keyFile]));
      const running = children.map(async (child) => {
        // The first report says that it has begun; from then on it may die at any moment.
        const first = await child.lines.next();
        await sleep(Math.random() * 60);
        if (child.process.kill('SIGKILL')) kills += 1;
        const { lines, stderr } = await child.end();
        expect(stderr).toBe('');
        return [first.value, ...lines] as Report[];
      });
      for (const made of await Promise.all(running)) reports.push(...made);
    }
    expect(kills).toBeGreaterThan(0);

    const key = ring.key('default');
    const other = await openLocalKeyring(folder, unlock);
    for (const one of [key, other.key('default')]) {
      for (const { version, wrap, secret, binding } of reports) {
        const opened = await one.unwrap(
          { uri: 'local:default', version, algorithm: 1, wrap: bytes(wrap) },
          bytes(binding),
        );
        expect(opened.secret).toEqual(bytes(secret));
        expect(opened.version).toBe(version);
      }
    }
    // One number, one key; no number twice and none left out.
    const { versions } = await other.describe('default');
    const used = new Map(reports.map(({ version }) => [version.split('.')[0], version]));
    for (const { version } of reports) expect(used.get(version.split('.')[0])).toBe(version);
    expect(versions.map(({ label }) => Number(label))).toEqual(versions.map((_, at) => at + 1));
    expect(new Set(reports.map(({ version }) => version)).size).toBeGreaterThan(scaled(10, 80, 800));
    // What the dead left behind is cleared away by the next writer.
    await (await openLocalKeyring(folder, unlock)).rotate('default');
    const last = startChild('rotating-process.ts', [folder, unlock.keyFile, '1']);
    await last.end();
    expect((await readdir(join(folder, 'keys', 'default'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('several processes at once', () => {
  it('that create the same key: one does, the others are told that it exists', async () => {
    const { folder, unlock, ring } = await testRing({}, []);
    const children = [...Array(5).keys()].map(() => startChild('create-process.ts', ['key', folder, unlock.keyFile]));
    const results = await Promise.all(children.map((child) => child.end()));
    const said = results.map(({ lines }) => lines[0]).sort();
    expect(said).toEqual(['ERR_KEY_EXISTS', 'ERR_KEY_EXISTS', 'ERR_KEY_EXISTS', 'ERR_KEY_EXISTS', 'made']);
    expect((await ring.describe('shared')).versions).toHaveLength(1);
    expect(await readdir(join(folder, 'keys', 'shared'))).toEqual(['00000001.json']);
  });

  it('that create the same keyring: one does, and its key file opens it', async () => {
    const base = await temporaryFolder();
    const [folder, keyFile] = [join(base, 'ring'), join(base, 'unlock.key')];
    const children = [...Array(5).keys()].map(() => startChild('create-process.ts', ['ring', folder, keyFile]));
    const results = await Promise.all(children.map((child) => child.end()));
    const said = results.map(({ lines }) => lines[0]).sort();
    expect(said).toEqual(['ERR_KEY_EXISTS', 'ERR_KEY_EXISTS', 'ERR_KEY_EXISTS', 'ERR_KEY_EXISTS', 'made']);
    (await openLocalKeyring(folder, { keyFile })).close();
    expect(await readFile(keyFile)).toHaveLength(44);
  });
});
