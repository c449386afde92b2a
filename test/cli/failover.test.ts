/** Failover on the command line: a key that cannot be reached is told, and another one opens. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { forgedEntry, withEntries } from '../envelope/support/forged.ts';
import { preparedCommandLine } from '../support/cli.ts';

it('a key of a provider that is down comes first, is told, and does not keep the keyring from opening', async () => {
  const cli = await preparedCommandLine();
  const down = 'gcpkms://projects/p/locations/eu/keyRings/r/cryptoKeys/k';
  // A recipient of that key that nobody can reach: forged by hand, as only its URI matters here.
  const sealed = await readFile(join(cli.folder, 'm.wax'));
  const both = await withEntries(sealed, (entries) => [forgedEntry(down, 8), ...entries]);
  for (const name of ['one.wax', 'two.wax', 'three.wax']) await writeFile(join(cli.folder, name), both);
  const config = {
    keys: [down],
    gcpkms: { endpoint: 'http://127.0.0.1:9', deadlineMs: 1500, maxAttempts: 1 },
    failover: { region: 'eu', slowMs: 2000 },
  };
  await writeFile(join(cli.folder, 'waxseal.config.json'), JSON.stringify(config), { mode: 0o600 });
  const started = performance.now();
  const run = cli.run(['open', 'one.wax', 'two.wax', 'three.wax']);
  expect(run.status).toBe(0);
  // Told for each file; waited for once.
  expect(run.stderr.match(/was opened through local:default, because/g)).toHaveLength(3);
  expect(run.stderr).toContain('[ERR_PROVIDER_UNAVAILABLE]');
  expect(performance.now() - started).toBeLessThan(6_000);
  await writeFile(join(cli.folder, 'waxseal.config.json'), '{"failover":{"region":1}}', { mode: 0o600 });
  expect(cli.run(['open', 'one.wax', '--force'])).toMatchObject({ status: 2 });
});
