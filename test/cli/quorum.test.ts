/** Quorums on the command line: several homes stand for several machines. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine } from '../support/cli.ts';
import { containing } from '../support/matching.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('a quorum on the command line', () => {
  it('is sealed to, opened with shares from other machines, renewed by one custodian, confirmed, added and removed', async () => {
    const folder = await temporaryFolder();
    const run = (home: string, ...args: string[]) =>
      new CommandLine(folder, { WAXSEAL_HOME: join(folder, home) }).run(args);
    const people: Record<string, string> = {};
    for (const home of ['alice', 'bob', 'opener']) {
      run(home, 'init', '--key-file');
      const { stdout } = run(home, 'key', 'create', home, '--x25519', '--json');
      people[home] = /x25519:[A-Za-z0-9_-]{43}/.exec(stdout)?.[0] ?? '';
    }
    const { alice = '', bob = '', opener = '' } = people;
    await writeFile(join(folder, 'm'), 'weights');
    const group = `quorum:2(${alice},${bob},local:default)`;
    expect(run('opener', 'seal', 'm', '-k', group).status).toBe(0);

    const alone = run('alice', 'open', 'm.wax', '-o', 'no');
    expect(alone.status).toBe(4);
    expect(alone.stderr).toContain('takes 2 of 3 custodians');
    expect(alone.stderr).toContain('waxseal quorum share');
    const inspected = run('alice', 'inspect', 'm.wax');
    expect(inspected.stdout).toContain('custodian 1 of 3, of whom 2 open together');

    for (const home of ['alice', 'bob']) {
      expect(run(home, 'quorum', 'share', 'm.wax', '--to', opener, '-o', `${home}.share`).status).toBe(0);
    }
    expect((await stat(join(folder, 'alice.share'))).mode & 0o077).toBe(0);
    expect(run('alice', 'quorum', 'share', 'm.wax', '--to', opener, '-o', 'alice.share').status).toBe(2);
    const combined = run('opener', 'quorum', 'combine', 'm.wax', 'alice.share', 'bob.share', '-o', 'back');
    expect(combined).toMatchObject({ status: 0, stdout: containing(`opened together by ${alice} and ${bob}`) });
    expect(await readFile(join(folder, 'back'), 'utf8')).toBe('weights');
    const wrongHands = run('bob', 'quorum', 'combine', 'm.wax', 'alice.share', '-o', 'no');
    expect(wrongHands).toMatchObject({ status: 4, stderr: containing('which is not at hand') });
    await writeFile(join(folder, 'junk.share'), 'junk');
    expect(run('opener', 'quorum', 'combine', 'm.wax', 'junk.share', '-o', 'no').status).toBe(3);

    run('opener', 'rotate', 'local:default');
    const renewed = run('opener', 'rewrap', 'm.wax');
    expect(renewed.stdout).toContain('the share of local:default version 2, not confirmed');
    const warned = run('opener', 'verify', 'm.wax', '--share', 'alice.share');
    expect(warned).toMatchObject({ status: 0, stderr: containing('has no tag') });
    const confirmed = run('opener', 'rewrap', 'm.wax', '--share', 'alice.share');
    expect(confirmed.stdout).toContain('local:default version 2 confirmed');
    expect(run('opener', 'verify', 'm.wax', '--share', 'alice.share').stderr).not.toContain('has no tag');

    run('opener', 'recipients', 'add', 'm.wax', '-k', 'local:default', '--share', 'alice.share');
    expect(run('opener', 'open', 'm.wax', '-o', 'again').status).toBe(0);
    const one = run('opener', 'recipients', 'remove', 'm.wax', '-k', alice);
    expect(one).toMatchObject({ status: 2, stderr: containing('is a custodian of quorum:2(') });
    expect(run('opener', 'recipients', 'remove', 'm.wax', '-k', group).status).toBe(0);
    expect(run('opener', 'inspect', 'm.wax', '--json').stdout).not.toContain(alice);
  });

  it.each([
    ['quorum:2(local:default)', '2 of 1 custodians is not possible'],
    ['quorum:1(local:default,local:b)', 'needs no quorum'],
    ['quorum:2(local:default,nothing)', 'is not possible'],
    ['quorum:2(local:a,quorum:2(local:b,local:c))', 'cannot be a quorum itself'],
    ['quorum:x', 'is not of the form quorum:2(URI,URI,URI)'],
  ])('refuses %s and says how to write it', async (uri, why) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'm'), 'weights');
    const cli = new CommandLine(folder);
    cli.ok('init', '--key-file');
    const { status, stderr } = cli.run(['seal', 'm', '-k', uri]);
    expect(stderr).toContain(why);
    expect(stderr).toContain("write 'quorum:2(URI,URI,URI)' in quotes");
    expect(status).toBe(4);
  });
});
