/**
 * The main job on real artifacts: `npm run demo`. A model and a dataset are sealed, the master key is rotated, both are
 * rewrapped in place and opened again. Every figure is measured in this run; the exit code is 1 if a claim does not hold.
 */
import { copyFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile } from 'hyparquet';
import {
  createLocalKeyring,
  type ErrorCode,
  inspect,
  isWaxsealError,
  type KeyProvider,
  openFile,
  openObject,
  rewrap,
  sealFile,
} from 'waxseal';
import { CountedFile, DATASET, MODEL, readColumn, sha256 } from './demo/artifacts.ts';
import { aside, check, count, line, megabytes, ms, timed, title } from './demo/show.ts';

const ARTIFACTS = [MODEL, DATASET];

const folder = await mkdtemp(join(tmpdir(), 'waxseal-demo-'));
const at = (name: string): string => join(folder, name);
try {
  const ring = await createLocalKeyring(at('keyring'), { keyFile: at('keyring.key') });
  await ring.create('default');
  const key = ring.key('default');

  const payloads = await seal(key);

  title('2  Rotate the master key');
  const { result, took } = await timed(() => ring.rotate('default'));
  line(
    'local:default',
    [-8, '1 → 2'],
    [-16, ''],
    [-8, ms(took)],
    [2, check(result.versions.length === 2, 'version 2 is current')],
  );

  await rewrapInPlace(key, payloads);
  await readOneColumn(key);
  await openAndCompare(key);
  await showRefusals(key);
  ring.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
title(process.exitCode === undefined ? 'Everything held.' : 'Something did not hold: see ✗ above.');

/** @returns SHA-256 of each payload as it was sealed */
async function seal(key: KeyProvider): Promise<Map<string, string>> {
  title('1  Seal: a data key for each file, wrapped by version 1 of local:default');
  const payloads = new Map<string, string>();
  for (const { name, what, path, options } of ARTIFACTS) {
    const { result, took } = await timed(() => sealFile(path, at(`${name}.wax`), key, options));
    const { payloadOffset } = await inspect(at(`${name}.wax`));
    payloads.set(name, await sha256(at(`${name}.wax`), payloadOffset));
    const more = `+${count(result.sealedSize - result.size)} bytes`;
    line(name, [-8, megabytes(result.size)], [-16, more], [-8, ms(took)], [2, what]);
  }
  return payloads;
}

async function rewrapInPlace(key: KeyProvider, payloads: ReadonlyMap<string, string>): Promise<void> {
  title('3  Rewrap in place: a new wrap of the same data key, under version 2');
  for (const { name } of ARTIFACTS) {
    const path = at(`${name}.wax`);
    const { result, took } = await timed(() => rewrap(path, key));
    const { payloadOffset, recipients } = await inspect(path);
    const holds = (await sha256(path, payloadOffset)) === payloads.get(name) && isVersion(2, recipients[0]?.version);
    const payload = megabytes((await stat(path)).size - payloadOffset);
    const written = `${count(result.bytesWritten)} bytes`;
    line(
      name,
      [-8, '1 → 2'],
      [-16, written],
      [-8, ms(took)],
      [2, check(holds, `payload unchanged (SHA-256 of ${payload})`)],
    );
  }
}

/** The version of a local key is its number, a dot and an id. */
function isVersion(n: number, version: string | undefined): boolean {
  return version?.split('.')[0] === String(n);
}

async function readOneColumn(key: KeyProvider): Promise<void> {
  const column = 'delay';
  title(`4  Read the column "${column}" straight from the sealed dataset`);
  const original = await readColumn(await asyncBufferFromFile(DATASET.path), column);
  const path = at(`${DATASET.name}.wax`);
  const handle = await open(path);
  const sealed = new CountedFile(handle, (await handle.stat()).size);
  const { result, took } = await timed(async () => {
    const object = await openObject(sealed, key);
    const slice = async (start: number, end?: number): Promise<ArrayBuffer> => (await object.read(start, end)).buffer;
    return readColumn({ byteLength: object.size, slice }, column).finally(() => object.close());
  });
  await handle.close();
  const share = `${((100 * sealed.bytesRead) / sealed.size).toFixed(0)} % read`;
  const holds = result.digest === original.digest && sealed.bytesRead < sealed.size / 2;
  const facts = `${count(result.values)} equal values, mean ${result.mean.toFixed(2)}`;
  line(DATASET.name, [-8, megabytes(sealed.bytesRead)], [-16, share], [-8, ms(took)], [2, check(holds, facts)]);
}

async function openAndCompare(key: KeyProvider): Promise<void> {
  title('5  Open both');
  for (const { name, path } of ARTIFACTS) {
    const { result, took } = await timed(() => openFile(at(`${name}.wax`), at(name), key));
    const digest = await sha256(at(name));
    const same = check(digest === (await sha256(path)), `SHA-256 ${digest.slice(0, 8)}… as the original`);
    line(name, [-8, megabytes(result.size)], [-16, ''], [-8, ms(took)], [2, same]);
  }
}

async function showRefusals(key: KeyProvider): Promise<void> {
  title('6  What is wrong is refused, and leaves no output');
  const sealed = await readFile(at(`${MODEL.name}.wax`));
  const { payloadOffset, segmentLength } = await inspect(sealed);
  const middle = payloadOffset + 3 * segmentLength + 1000;

  const flipped = Uint8Array.from(sealed);
  flipped[middle] = (flipped[middle] ?? 0) ^ 1;
  await writeFile(at('flipped.wax'), flipped);
  await refused('one bit flipped', 'flipped.wax', key, 'ERR_AUTHENTICATION');

  await copyFile(at(`${MODEL.name}.wax`), at('cut.wax'));
  await truncate(at('cut.wax'), middle);
  await refused('the end cut off', 'cut.wax', key, 'ERR_TRUNCATED');

  const other = await createLocalKeyring(at('other-keyring'), { keyFile: at('other.key') });
  await other.create('default');
  await refused('a key of the same name', `${MODEL.name}.wax`, other.key('default'), 'ERR_KEY_NOT_FOUND');
  await other.create('mine');
  await refused('another key', `${MODEL.name}.wax`, other.key('mine'), 'ERR_NO_MATCHING_KEY');
  other.close();
}

async function refused(what: string, name: string, key: KeyProvider, code: ErrorCode): Promise<void> {
  const output = at('never');
  const error: unknown = await openFile(at(name), output, key).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const isThere = await stat(output).then(
    () => true,
    () => false,
  );
  if (!isWaxsealError(error)) {
    if (error !== undefined) throw error;
    line(what, [2, check(false, 'was opened')]);
    return;
  }
  line(what, [2, check(error.code === code && !isThere, error.code)]);
  aside(error.message.replaceAll(`${folder}/`, ''));
  aside(`next: ${error.next}`);
}
