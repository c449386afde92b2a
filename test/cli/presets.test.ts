/** Presets of recipients: primary, disaster recovery and offline escrow by one name. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { preparedCommandLine } from '../support/cli.ts';

it('seal --preset and recipients set --preset: exactly those, said one by one, changed once', async () => {
  const cli = await preparedCommandLine();
  cli.ok('key', 'create', 'local:recovery');
  cli.ok('key', 'create', 'escrow', '--x25519');
  const escrow = cli.ok('key', 'export-public', 'escrow').trimEnd();
  const presets = { production: ['local:default', 'local:recovery', escrow] };
  await writeFile(join(cli.folder, 'waxseal.config.json'), JSON.stringify({ presets }), { mode: 0o600 });
  expect(cli.ok('seal', '--preset', 'production', 'm', '-o', 'p.wax')).toContain(escrow);
  expect(cli.ok('recipients', 'set', 'p.wax', '--preset', 'production')).toContain(
    'p.wax: nothing to do (kept local:default',
  );
  cli.ok('seal', '-k', 'local:default', 'm', '-o', 'q.wax');
  const dry = cli.ok('recipients', 'set', 'q.wax', '--preset', 'production', '--dry-run');
  expect(dry).toContain(`q.wax: would be changed (kept local:default; added local:recovery, ${escrow})`);
  cli.ok('recipients', 'set', 'q.wax', '--preset', 'production');
  const left = cli.ok('recipients', 'set', 'q.wax', '-k', 'local:recovery');
  expect(left).toContain(`kept local:recovery; removed local:default, ${escrow}`);
  expect(left).toContain('this is not revocation');
  expect(cli.run(['seal', '--preset', 'none', 'm', '-o', 'r.wax'])).toMatchObject({ status: 2 });
  expect(cli.run(['seal', '--preset', 'none', 'm', '-o', 'r.wax']).stderr).toContain('there is production');
  expect(cli.run(['seal', '--preset', 'production', '-k', 'local:default', 'm', '-o', 'r.wax'])).toMatchObject({
    status: 2,
  });
  expect(cli.run(['recipients', 'set', 'q.wax'])).toMatchObject({ status: 2 });
});
