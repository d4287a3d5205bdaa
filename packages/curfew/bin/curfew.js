#!/usr/bin/env node
try {
  await import('../dist/supported-node.js');
} catch ({ message }) {
  console.error(message);
  process.exit(1);
}
await import('../dist/cli/main.js');
