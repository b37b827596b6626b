import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Module } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

// V8 knows a source by its length alone and believes what it made of it: the two are bound together here.

const digestLength = 32;
const cacheOf = (file: string): string => `${file}.cache`;
const digestOf = (source: string, compiled: Uint8Array): Buffer =>
  createHash('sha256').update(source).update(compiled).digest();

function compiledEarlier(file: string, source: string): Buffer | undefined {
  if (!existsSync(cacheOf(file))) return undefined;
  const kept = readFileSync(cacheOf(file));
  const compiled = kept.subarray(digestLength);
  return digestOf(source, compiled).equals(kept.subarray(0, digestLength)) ? compiled : undefined;
}

/** A script that was loaded: what it exports, and a way to keep all that was compiled of it until then. */
export interface LoadedScript {
  readonly exports: unknown;
  keepCompiled(): void;
}

/**
 * Loads a CommonJS script as `require` does, but with what V8 made of it when it was built: to compile the verifier
 * takes longer than to verify a seal. Another version of V8 does not take that and compiles anew.
 */
export function loadScript(file: string, require: NodeJS.Require): LoadedScript {
  const source = Module.wrap(readFileSync(file, 'utf8'));
  const cachedData = compiledEarlier(file, source);
  const script = new Script(source, { filename: file, ...(cachedData ? { cachedData } : {}) });
  const module: { exports: unknown } = { exports: {} };
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  return {
    exports: module.exports,
    keepCompiled: () => {
      const compiled = script.createCachedData();
      writeFileSync(cacheOf(file), Buffer.concat([digestOf(source, compiled), compiled]));
    },
  };
}
