import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createInterface as createPrompt } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fromSystemError, WaxsealError } from '../errors/index.ts';

/** The first line of a file, without its end of line. */
export async function passphraseFromFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, 'read', path, true);
  }
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '')
    throw new WaxsealError('ERR_USAGE', `${path} holds no passphrase in its first line`, { object: path });
  return line;
}

/**
 * Asks on the terminal without showing what is typed.
 *
 * @throws WaxsealError `ERR_USAGE` where there is no terminal to ask on
 */
export async function askPassphrase(
  question: string,
  signal?: AbortSignal,
  option = '--passphrase-file',
): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new WaxsealError('ERR_USAGE', `${question}: there is no terminal to ask on`, {
      next: `give a file with ${option}${option === '--passphrase-file' ? ', or set WAXSEAL_PASSPHRASE_FILE' : ''}`,
    });
  }
  process.stderr.write(`${question}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      const abort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      lines.once('SIGINT', () => {
        process.kill(process.pid, 'SIGINT');
      });
      lines.once('close', () => reject(new WaxsealError('ERR_USAGE', 'no passphrase was given')));
      lines.question('', resolve);
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

/** Asks for a new passphrase, twice. */
export async function askNewPassphrase(question: string, signal?: AbortSignal, option?: string): Promise<string> {
  const first = await askPassphrase(question, signal, option);
  if (first === '') throw new WaxsealError('ERR_USAGE', 'an empty passphrase protects nothing');
  if ((await askPassphrase('Again', signal)) !== first) {
    throw new WaxsealError('ERR_USAGE', 'the two passphrases differ; nothing was changed');
  }
  return first;
}

/**
 * Asks for a confirmation on the terminal.
 *
 * @throws WaxsealError `ERR_USAGE` where there is no terminal to ask on
 */
export async function askYes(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new WaxsealError('ERR_USAGE', 'there is no terminal to ask on', { next: 'pass --yes if you are sure' });
  }
  const lines = createPrompt({ input: process.stdin, output: process.stderr });
  // The terminal is in raw mode: Ctrl-C comes here first.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return (await lines.question(`${question}: `, { signal })).trim().toLowerCase() === 'yes';
  } finally {
    lines.close();
  }
}
