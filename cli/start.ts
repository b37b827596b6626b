#!/usr/bin/env node
/** The `consul` command. The verifier is a bundle of its own that starts at once; all others are modules. */
import { join } from 'node:path';
import { guardProcess } from './outcome.ts';

const [name, ...rest] = process.argv.slice(2);

if (name === 'verify') {
  guardProcess();
  // Not by import(): loading modules takes longer than verifying a seal.
  const { loadScript } = require('./loaded-script.ts') as typeof import('./loaded-script.ts');
  const { main } = loadScript(join(__dirname, 'verify.js'), require).exports as typeof import('./verify.ts');
  void main(rest);
} else void import('./main.ts');
