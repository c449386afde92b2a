import type { Finding } from './finding.ts';

const NEEDED = [22, 18] as const;
/** Lines of Node.js that the tests run on. */
const LINES = [22, 24, 26];

/** Whether this Node.js can run us, and whether its line is one that we test. */
export function checkNode(version: string = process.versions.node): Finding {
  const check = 'node';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const next = `install Node.js ${LINES.slice(0, -1).join(', ')} or ${String(LINES.at(-1))}: https://nodejs.org`;
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
    return {
      check,
      status: 'problem',
      message: `Node.js ${version} is too old: waxseal needs ${NEEDED.join('.')} or newer`,
      next,
    };
  }
  if (!LINES.includes(major)) {
    return {
      check,
      status: 'warning',
      message: `Node.js ${version} is not of a line that waxseal is tested on`,
      next,
    };
  }
  return { check, status: 'ok', message: `Node.js ${version} is supported` };
}

/** Whether the operating system keeps the promises that the keyring rests on. */
export function checkPlatform(platform: string = process.platform): Finding {
  const check = 'platform';
  if (platform !== 'win32') return { check, status: 'ok', message: `${platform} ${process.arch}` };
  return {
    check,
    status: 'problem',
    message: 'Windows is not supported: it has no permission bits, so that nothing keeps others out of the keyring',
    next: 'use waxseal on Linux or macOS; the Windows Subsystem for Linux will do',
  };
}
