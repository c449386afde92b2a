import { readFile } from 'node:fs/promises';
import { WaxsealError } from '../../src/errors/index.ts';
import type { Settings } from './options.ts';

const VARIABLE = 'WAXSEAL_PKCS11_PIN';

/**
 * The PIN: of the option, the file, or the environment.
 *
 * @throws WaxsealError `ERR_PROVIDER_CREDENTIALS` where there is none
 */
export async function pinOf({ pin, pinFile }: Pick<Settings, 'pin' | 'pinFile'>): Promise<string> {
  if (pin !== undefined) return typeof pin === 'function' ? pin() : pin;
  if (pinFile !== undefined) return firstLine(pinFile);
  const fromEnvironment = process.env[VARIABLE];
  if (fromEnvironment !== undefined) return fromEnvironment;
  throw new WaxsealError('ERR_PROVIDER_CREDENTIALS', 'the PIN of the token is not known', {
    next: `give pinFile, pin-source=file:… in the URI, or ${VARIABLE}`,
  });
}

async function firstLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new WaxsealError('ERR_PROVIDER_CREDENTIALS', `the PIN file ${file} cannot be read`, { object: file, cause });
  });
  return text.split(/\r?\n/, 1)[0] ?? '';
}
