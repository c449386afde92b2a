import { assert, assertBytes, assertRefused } from './expect.ts';
import { binding, type Check, check, type ConformanceSetup, random, wrapKnown } from './case.ts';

function rotation({ provider, rotate }: ConformanceSetup): (() => Promise<unknown>) | undefined {
  return rotate ?? provider.rotate?.bind(provider);
}

function disabling({
  provider,
  disableVersion,
}: ConformanceSetup): ((version: string) => Promise<unknown>) | undefined {
  return disableVersion ?? provider.disableVersion?.bind(provider);
}

/** What happens when keys rotate and end. */
export const versionChecks: readonly Check[] = [
  check('after a rotation old wraps open and new wraps carry the new version', async (setup) => {
    const rotate = rotation(setup);
    if (rotate === undefined) return 'rotate is not declared';
    const { provider } = setup;
    const [secret, bind] = [random(32), binding()];
    const history = [await wrapKnown(provider, secret, bind)];
    for (let round = 0; round < 3; round++) {
      await rotate();
      const wrapped = await wrapKnown(provider, secret, bind);
      assert(
        history.every(({ version }) => version !== wrapped.version),
        'a new wrap carries a version from before the rotation',
      );
      history.push(wrapped);
      for (const old of history) {
        const opened = await provider.unwrap(old, bind);
        assertBytes(opened.secret, secret, `a wrap under version ${old.version} gives another secret after a rotation`);
        assert(opened.version === old.version, `unwrap reported ${opened.version} for a wrap under ${old.version}`);
      }
    }
    return undefined;
  }),
  check('describe tells of a rotation', async (setup) => {
    const rotate = rotation(setup);
    const { provider } = setup;
    if (rotate === undefined) return 'rotate is not declared';
    if (provider.describe === undefined) return 'describe is not declared';
    const before = await provider.describe();
    await rotate();
    const after = await provider.describe();
    const { version } = await wrapKnown(provider, random(32), binding());
    assert(after.currentVersion === version, `describe says ${String(after.currentVersion)}, wrap used ${version}`);
    assert(after.currentVersion !== before.currentVersion, 'describe shows the same version as before the rotation');
    const old = after.versions.find((candidate) => candidate.version === before.currentVersion);
    assert(old !== undefined, 'describe no longer lists the version from before the rotation');
    assert(after.lastRotated !== undefined, 'describe does not tell when the key was rotated last');
    return undefined;
  }),
  check('rotate returns the description after it', async ({ provider }) => {
    if (provider.rotate === undefined) return 'rotate is not declared';
    const before = await wrapKnown(provider, random(32), binding());
    const returned = await provider.rotate();
    const { version } = await wrapKnown(provider, random(32), binding());
    assert(version !== before.version, 'rotate did not make a new version');
    assert(
      returned.uri === provider.uri && returned.currentVersion === version,
      'rotate described another version than the one that wraps',
    );
    return undefined;
  }),
  check('a disabled version opens nothing, and the others still do', async (setup) => {
    const [rotate, disable] = [rotation(setup), disabling(setup)];
    if (disable === undefined) return 'disableVersion is not declared';
    if (rotate === undefined) return 'rotate is not declared';
    const { provider } = setup;
    const [secret, bind] = [random(32), binding()];
    const old = await wrapKnown(provider, secret, bind);
    await rotate();
    const current = await wrapKnown(provider, secret, bind);
    await disable(old.version);
    await assertRefused(() => provider.unwrap(old, bind), ['ERR_KEY_DISABLED'], 'a wrap under a disabled version');
    assertBytes((await provider.unwrap(current, bind)).secret, secret, 'disabling one version changed another');
    assert(
      (await wrapKnown(provider, secret, bind)).version === current.version,
      'disabling an old version moved the current one',
    );
    return undefined;
  }),
  check('a disabled current version wraps nothing', async (setup) => {
    const disable = disabling(setup);
    if (disable === undefined) return 'disableVersion is not declared';
    const { provider } = setup;
    const { version } = await wrapKnown(provider, random(32), binding());
    await disable(version);
    await assertRefused(
      () => provider.wrap(random(32), binding()),
      ['ERR_KEY_DISABLED'],
      'wrapping under a disabled version',
    );
    if (provider.describe === undefined) return undefined;
    const described = await provider.describe();
    assert(described.currentVersion !== version, 'describe still calls a disabled version the current one');
    const state = described.versions.find((candidate) => candidate.version === version)?.state;
    assert(state !== 'active', 'describe still calls a disabled version active');
    return undefined;
  }),
];
