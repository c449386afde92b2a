#!/usr/bin/env node
// No static imports: this file must still run on a Node that cannot load the rest.
const NEEDED = [22, 18] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `waxseal needs Node.js ${NEEDED.join('.')} or newer, and this is Node.js ${process.versions.node} (see https://nodejs.org).\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}

export {};
