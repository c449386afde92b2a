import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from '../../../src/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { headerOf, payloadOf, type Sealed } from './objects.ts';

/** Writes an object into a new folder, where the verbs for files find it: `x.wax`, and `x.floe` beside a header. */
export async function fileOf(sealed: Sealed): Promise<string> {
  const path = join(await temporaryFolder(), 'x.wax');
  await putAt(path, sealed);
  return path;
}

/** Writes an object over what stands under a name. */
export async function putAt(path: string, sealed: Sealed): Promise<void> {
  await writeFile(path, headerOf(sealed));
  if (!(sealed instanceof Uint8Array)) await writeFile(floeOf(path), payloadOf(sealed));
}

/** What stands there now. */
export async function readBack(path: string, layout: Layout): Promise<Sealed> {
  const header = new Uint8Array(await readFile(path));
  return layout === 'detached' ? { header, payload: new Uint8Array(await readFile(floeOf(path))) } : header;
}

const floeOf = (path: string): string => path.replace(/\.wax$/, '.floe');
