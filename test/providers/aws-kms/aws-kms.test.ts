import {
  DisableKeyCommand,
  EnableKeyCommand,
  type KMSClient,
  ReplicateKeyCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsKms, awsKmsDiscovery, type AwsKmsOptions, parseAwsKmsUri } from '../../../providers/aws-kms/index.ts';
import { inspect, open, rewrap, seal } from '../../../src/envelope/index.ts';
import { startFaultProxy } from '../../servers/fault-proxy.ts';
import { hasMoto, type Moto, startMoto } from '../../servers/moto.ts';
import { pattern } from '../../support/bytes.ts';
import { adminOf, createKey, CREDENTIALS, freshKey } from './support.ts';
import { containing } from '../../support/matching.ts';

const plaintext = pattern(2_000);
const ACCOUNT = '123456789012';

/** moto takes no ARN where the state of a key is changed. */
const idOf = (arn: string): string => arn.split('/')[1] ?? '';

describe.skipIf(!hasMoto())('AWS KMS on moto', () => {
  let moto: Moto;
  let admin: KMSClient;
  beforeAll(async () => {
    moto = await startMoto();
    admin = adminOf(moto);
  });
  afterAll(async () => {
    admin.destroy();
    await moto.stop();
  });
  const connect = (options: Partial<AwsKmsOptions> & { readonly key: string }) =>
    awsKms({ endpoint: moto.endpoint, credentials: CREDENTIALS, region: 'us-east-1', ...options });

  it('an alias is resolved once: objects record the ARN, and a moved alias changes nothing for them', async () => {
    const [one, two] = [await createKey(admin, 'alias/models'), await createKey(admin)];
    const key = await connect({ key: 'alias/models' });
    expect(key.uri).toBe(`awskms:///${one}`);
    const sealed = await seal(plaintext, key);
    await admin.send(new UpdateAliasCommand({ AliasName: 'alias/models', TargetKeyId: two }));
    const moved = await connect({ key: 'alias/models' });
    expect(moved.uri).toBe(`awskms:///${two}`);
    expect(await open(sealed, key)).toEqual(plaintext);
    await expect(open(sealed, moved)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    await expect(connect({ key: 'alias/models', allowedKeys: [one] })).rejects.toMatchObject({
      code: 'ERR_RECIPIENT_NOT_ALLOWED',
      message: containing(two),
    });
  });

  it('attack 14: a wrap of another key is refused, and every Decrypt names its key', async () => {
    const proxy = await startFaultProxy(moto.endpoint);
    const seen: unknown[] = [];
    proxy.fault = ({ call, request }) => {
      if (call === 'Decrypt' || call === 'ReEncrypt') seen.push(JSON.parse(request.toString()));
      return false;
    };
    const [mine, foreign] = [await createKey(admin), await createKey(admin)];
    const key = await connect({ key: mine, endpoint: proxy.endpoint });
    const other = await connect({ key: foreign, endpoint: proxy.endpoint });
    const binding = pattern(32);
    const wrapped = await other.wrap(pattern(32), binding);
    await expect(key.unwrap({ ...wrapped, uri: key.uri }, binding)).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
    });
    await expect(key.rewrap({ ...wrapped, uri: key.uri }, binding)).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
    });
    await expect(key.unwrap(wrapped, binding)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(seen).toMatchObject([{ KeyId: mine }, { SourceKeyId: mine, DestinationKeyId: mine }]);
    await proxy.stop();
  });

  it('an answer that speaks of another key is not believed', async () => {
    const proxy = await startFaultProxy(moto.endpoint);
    const key = await connect({ key: await createKey(admin), endpoint: proxy.endpoint });
    const other = await createKey(admin);
    proxy.fault = async ({ pass, response }) => {
      const { body } = await pass();
      response.end(JSON.stringify({ ...(JSON.parse(body.toString()) as object), KeyId: other }));
      return true;
    };
    await expect(key.wrap(pattern(32), pattern(32))).rejects.toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' });
    await proxy.stop();
  });

  it('a key that is off is told from one that is gone, with what brings it back', async () => {
    const arn = await createKey(admin);
    const key = await connect({ key: arn });
    const sealed = await seal(plaintext, key);
    await admin.send(new DisableKeyCommand({ KeyId: idOf(arn) }));
    await expect(open(sealed, key)).rejects.toMatchObject({
      code: 'ERR_KEY_DISABLED',
      next: containing('enable-key'),
    });
    const described = await key.describe();
    expect([described.currentVersion, described.versions[0]?.state]).toEqual([undefined, 'suspended']);
    await admin.send(new EnableKeyCommand({ KeyId: idOf(arn) }));
    expect(await open(sealed, key)).toEqual(plaintext);
    await admin.send(new ScheduleKeyDeletionCommand({ KeyId: idOf(arn) }));
    await expect(open(sealed, key)).rejects.toMatchObject({ code: 'ERR_KEY_DISABLED' });
    const gone = await connect({ key: arn.replace(/[^/]*$/, '00000000-0000-4000-8000-000000000000') });
    await expect(gone.wrap(pattern(32), pattern(32))).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
  });

  it('a multi-Region key opens what its replica sealed only where that was asked for', async () => {
    const primary = await createKey(admin, undefined, true);
    await admin.send(new ReplicateKeyCommand({ KeyId: idOf(primary), ReplicaRegion: 'eu-west-1' }));
    const replica = primary.replace('us-east-1', 'eu-west-1');
    const there = await connect({ key: replica, region: 'eu-west-1', multiRegion: true });
    expect(there.accepts(`awskms:///${primary}`)).toBe(true);
    for (const other of [
      primary.replace(ACCOUNT, '999999999999'),
      primary.replace('arn:aws:', 'arn:aws-cn:'),
      primary.replace(/mrk-[0-9a-f]{4}/, 'mrk-0000'),
      await createKey(admin),
    ]) {
      expect(there.accepts(`awskms:///${other}`)).toBe(false);
    }
    const strict = await connect({ key: replica, region: 'eu-west-1' });
    expect(strict.accepts(`awskms:///${primary}`)).toBe(false);
    await expect(connect({ key: await createKey(admin), multiRegion: true })).rejects.toMatchObject({
      code: 'ERR_INVALID_KEY_URI',
    });
    // What a replica wrapped is asked of the key at hand, under its own ARN. (moto cannot open wraps of such keys.)
    const proxy = await startFaultProxy(moto.endpoint);
    const asked: unknown[] = [];
    proxy.fault = ({ call, request }) => {
      if (call === 'Decrypt') asked.push((JSON.parse(request.toString()) as { KeyId: unknown }).KeyId);
      return false;
    };
    const far = await connect({ key: replica, region: 'eu-west-1', multiRegion: true, endpoint: proxy.endpoint });
    const wrapped = { uri: `awskms:///${primary}`, version: 'x', algorithm: 3, wrap: pattern(100) };
    await expect(far.unwrap(wrapped, pattern(32))).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    await expect(strict.unwrap(wrapped, pattern(32))).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(asked).toEqual([replica]);
    await proxy.stop();
  });

  it('discovery opens with keys of the accounts and the partition in its filter, and with no others', async () => {
    const key = await freshKey(moto);
    const sealed = await seal(plaintext, key);
    const common = { endpoint: moto.endpoint, credentials: CREDENTIALS };
    const allowed = await awsKmsDiscovery({ ...common, accounts: [ACCOUNT], partition: 'aws' });
    expect(await open(sealed, allowed)).toEqual(plaintext);
    const arn = key.uri.replace('awskms:///', '');
    for (const filter of [
      { accounts: ['999999999999'], partition: 'aws' },
      { accounts: [ACCOUNT], partition: 'aws-cn' },
      { accounts: [ACCOUNT], partition: 'aws', allowedKeys: [arn.replace(/.{12}$/, '000000000000')] },
    ]) {
      const discovery = await awsKmsDiscovery({ ...common, ...filter });
      await expect(open(sealed, discovery)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
      await expect(discovery.unwrap(await key.wrap(pattern(32), pattern(32)), pattern(32))).rejects.toMatchObject({
        code: 'ERR_NO_MATCHING_KEY',
      });
    }
    await expect(seal(plaintext, allowed)).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNSUPPORTED' });
    await expect(rewrap(sealed, allowed)).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNSUPPORTED' });
    for (const bad of [
      {},
      { accounts: [], partition: 'aws' },
      { accounts: [ACCOUNT] },
      { accounts: ['12'], partition: 'aws' },
    ]) {
      await expect(awsKmsDiscovery({ ...common, ...bad } as never)).rejects.toThrow(TypeError);
    }
  });

  it('grant tokens go with every use of the key', async () => {
    const proxy = await startFaultProxy(moto.endpoint);
    const tokens: unknown[] = [];
    proxy.fault = ({ request }) => {
      tokens.push((JSON.parse(request.toString()) as { GrantTokens?: unknown }).GrantTokens);
      return false;
    };
    const key = await connect({ key: await createKey(admin), endpoint: proxy.endpoint, grantTokens: ['grant'] });
    const wrapped = await key.wrap(pattern(32), pattern(32));
    await key.unwrap(wrapped, pattern(32));
    await key.rewrap(wrapped, pattern(32));
    await key.generateDataKey(pattern(32));
    expect(tokens).toEqual([['grant'], ['grant'], ['grant'], ['grant']]);
    await proxy.stop();
  });

  it('a blind rewrap uses ReEncrypt alone', async () => {
    const proxy = await startFaultProxy(moto.endpoint);
    const key = await connect({ key: await createKey(admin), endpoint: proxy.endpoint });
    const sealed = await seal(plaintext, key);
    await key.rotate();
    proxy.calls.length = 0;
    const blind = await rewrap(sealed, key, { blind: true });
    expect(proxy.calls.map(({ call }) => call)).toEqual(['ReEncrypt', 'ReEncrypt']);
    expect((await inspect(blind)).recipients.map(({ blind: flag }) => flag)).toEqual([false, true]);
    await proxy.stop();
  });

  it('attack 11: a data key with private metadata is made under the context that the object has', async () => {
    const key = await freshKey(moto);
    const sealed = await seal(plaintext, key, {
      metadata: { name: 'weights.safetensors' },
      context: { team: 'vision' },
    });
    expect(await open(sealed, key)).toEqual(plaintext);
  });
});

describe('what AWS KMS is told by options', () => {
  const key = `arn:aws:kms:us-east-1:${ACCOUNT}:key/00000000-0000-4000-8000-000000000000`;

  it.each([
    ['an unknown option', { key, discoveryFilter: {} }, /unknown option "discoveryFilter"/],
    ['a misspelt one', { key, allowedkeys: [] }, /unknown option "allowedkeys"/],
    ['allowed keys that are no ARNs', { key, allowedKeys: ['alias/x'] }, /must be ARNs/],
    ['another kind of flag', { key, multiRegion: 'yes' }, /multiRegion must be/],
    ['grant tokens that are none', { key, grantTokens: 'x' }, /grantTokens must be/],
    ['a client and a region', { key, client: {}, region: 'x' }, /belong to the client/],
  ])('%s is refused', async (_name, options, message) => {
    await expect(awsKms(options as unknown as AwsKmsOptions)).rejects.toThrow(message);
  });

  it('plain http to another machine is refused', async () => {
    await expect(awsKms({ key, endpoint: 'http://kms.example' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('a key that is not one of the allowed keys is refused without a call', async () => {
    await expect(awsKms({ key, allowedKeys: [] })).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
  });

  it('reads key URIs', () => {
    expect(parseAwsKmsUri(`awskms:///${key}`)).toEqual({ key });
    expect(parseAwsKmsUri('awskms:///alias/models?region=eu-west-1&endpoint=http://127.0.0.1:5000')).toEqual({
      key: 'alias/models',
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:5000',
    });
    for (const bad of [
      'awskms:x',
      'awskms:///',
      'awskms:///x y',
      `awskms:///${key}?profile=x`,
      'awskms:///alias/a?region=a&region=b',
    ]) {
      expect(() => parseAwsKmsUri(bad)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_KEY_URI' }));
    }
  });
});
