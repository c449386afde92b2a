/** The files that the crash tests work on, built once and copied for every death. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachedHead } from '../../support/heads.ts';
import { addRecipient, sealFile } from '../../../src/envelope/index.ts';
import { createLocalKeyring } from '../../../src/keys/local/index.ts';
import { pattern } from '../../support/bytes.ts';
import { BACKUP_PASSPHRASE, CHEAP, places } from './operations.ts';

/** More than one batch of what is read and written at a time. */
export const PLAINTEXT = pattern(1_300_000);
export const OLDER = pattern(5000, 9);

/** Makes a world in a new folder, which the caller removes. */
export async function buildWorld(): Promise<string> {
  const world = await mkdtemp(join(tmpdir(), 'waxseal-world-'));
  const at = places(world);
  await mkdir(at.objects);
  await mkdir(at.backups);
  await writeFile(at.plain, PLAINTEXT);
  await writeFile(at.older, OLDER);
  const ring = await createLocalKeyring(at.ring, at.unlock, CHEAP);
  for (const name of ['default', 'recovery', 'third']) await ring.create(name);
  await sealFile(at.plain, at.sealed, ring.key('default'));
  await addRecipient(at.sealed, ring.key('default'), ring.key('recovery'));
  await sealFile(at.plain, at.compact, [ring.key('default'), ring.key('recovery')], { layout: 'compact' });
  await sealFile(at.plain, at.header, [ring.key('default'), ring.key('recovery')], { layout: 'detached' });
  await ring.rotate('default');
  await sealFile(at.older, at.newest, ring.key('default'));
  await ring.backup(at.backup, BACKUP_PASSPHRASE);
  ring.close();
  const { geometry } = attachedHead(await readFile(at.sealed), at.sealed);
  await damage(at.sealed, at.damaged, [0, geometry.slotB]);
  await damage(at.sealed, at.ruined, [0, geometry.slotA, geometry.slotB]);
  await rm(join(at.objects, '.waxseal.lock'), { force: true });
  return world;
}

/** A copy with zeros at the beginning of some of its parts. */
async function damage(from: string, to: string, offsets: readonly number[]): Promise<void> {
  await cp(from, to);
  const file = await open(to, 'r+');
  for (const offset of offsets) await file.write(new Uint8Array(600), 0, 600, offset);
  await file.close();
}

/** A copy of a world, for one death. */
export async function copyWorld(world: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'waxseal-death-'));
  await cp(world, copy, { recursive: true });
  return copy;
}

/** SHA-256 of every file below a folder, by its path there; lock files are left out. */
export async function filesBelow(folder: string): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === '.waxseal.lock') continue;
    const path = join(entry.parentPath, entry.name);
    out.set(
      path.slice(folder.length + 1),
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
  }
  return out;
}

export const isTemporary = (path: string): boolean => /(^|\/)\.waxseal-[^/]*\.tmp$/.test(path);
