#!/usr/bin/env node
/** The `consul` command. The verifier is a bundle of its own that starts at once; all others are modules. */
import { guardProcess } from './outcome.ts';

const [name, ...rest] = process.argv.slice(2);

if (name === 'verify') {
  guardProcess();
  // Not by import(): loading modules takes longer than verifying a seal.
  const { main } = require('./verify.ts') as typeof import('./verify.ts');
  void main(rest);
} else void import('./main.ts');
