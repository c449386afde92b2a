/** Imported for its effect: the example works in a folder of its own, which is removed when it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'waxseal-example-'));
process.chdir(folder);
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
