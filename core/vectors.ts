import { AssertionError } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Awaitable } from './crypto/backend.ts';
import { ConsulError } from './errors.ts';

/**
 * The public test vectors and how suites of them are run. For tests and for the conformance command; the vectors
 * themselves are no part of the project.
 */

/** Where they are to lie: CONSUL_VECTORS, by default `../shared/vectors`. */
export const vectorsPath = (): string => resolve(process.env.CONSUL_VECTORS ?? '../shared/vectors');

/** Where they lie, or undefined where this machine has none. */
export function vectorsFolder(): string | undefined {
  const folder = vectorsPath();
  return existsSync(folder) ? folder : undefined;
}

/** A file of vectors as JSON; vectors have as many forms as files. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export const readVectors = (file: string): any => JSON.parse(readFileSync(join(vectorsPath(), file), 'utf8'));

/** One case of a suite. */
export interface Case {
  readonly name: string;
  readonly mustPass: boolean;
  /** What the refusal must say, where the suite names its reason. */
  readonly reason?: RegExp;
  /**
   * Ends where the input is accepted.
   * @throws Refused, ConsulError where it is refused; AssertionError where it is accepted with another value than the
   *   suite names
   */
  readonly run: () => Awaitable<void>;
}

/** The verdict of what gives one instead of an error. */
class Refused extends Error {}

export function refuse(why: string): never {
  throw new Refused(why);
}

export interface Suite {
  readonly name: string;
  /** How many cases it has, so that none gets lost unseen. */
  readonly count: number;
  /** Cases that come out otherwise than the suite says, with the reason why that is so. */
  readonly exceptions?: Readonly<Record<string, string>>;
  readonly mostExceptions?: number;
  /** Processor time that a case may take. */
  readonly mostMilliseconds?: number;
  readonly cases: () => Iterable<Case> | AsyncIterable<Case>;
  /** Of refusals with this word it is told how many there were. */
  readonly counted?: string;
}

export interface CaseOutcome {
  readonly name: string;
  readonly mustPass: boolean;
  readonly passed: boolean;
  /** Whether it came out as the suite says, the reason of a refusal and the value of what passed included. */
  readonly right: boolean;
  readonly why: string;
  /** Of the processor. */
  readonly milliseconds: number;
}

async function judged({ run }: Case): Promise<{ passed: boolean; wrongValue: boolean; why: string }> {
  try {
    await run();
    return { passed: true, wrongValue: false, why: '' };
  } catch (error) {
    if (error instanceof Refused) return { passed: false, wrongValue: false, why: error.message };
    if (error instanceof ConsulError)
      return { passed: false, wrongValue: false, why: `${error.code}: ${error.message}` };
    if (error instanceof AssertionError) return { passed: true, wrongValue: true, why: error.message };
    throw error;
  }
}

async function runCase(one: Case): Promise<CaseOutcome> {
  const start = process.cpuUsage();
  const { passed, wrongValue, why } = await judged(one);
  const { user, system } = process.cpuUsage(start);
  const right =
    passed === one.mustPass && !wrongValue && (passed || one.reason === undefined || one.reason.test(why));
  const { name, mustPass } = one;
  return { name, mustPass, passed, right, why, milliseconds: (user + system) / 1000 };
}

export interface SuiteResult {
  readonly name: string;
  readonly total: number;
  readonly right: number;
  /** Accepted against the suite, unless the exception says that the suite itself is wrong. */
  readonly falseAcceptances: number;
  readonly exceptions: number;
  /** Refusals with the word that the suite counts. */
  readonly counted: number;
  /** Why the suite is not passed; empty where it is. */
  readonly faults: readonly string[];
}

const suiteIsWrong = /^The case table is wrong: /;

/** Runs every case of a suite. A case that is slower than it may be is run again: other programs share the processor. */
export async function runSuite(suite: Suite): Promise<SuiteResult> {
  const { exceptions = {}, mostExceptions = 0, mostMilliseconds = Number.POSITIVE_INFINITY } = suite;
  const faults: string[] = [];
  const met = new Set<string>();
  let [total, right, falseAcceptances, counted] = [0, 0, 0, 0];
  for await (const one of suite.cases()) {
    let outcome = await runCase(one);
    for (let again = 0; again < 2 && outcome.milliseconds > mostMilliseconds; again++)
      outcome = await runCase(one);
    total += 1;
    if (outcome.why === suite.counted) counted += 1;
    if (outcome.milliseconds > mostMilliseconds)
      faults.push(`${one.name} takes ${outcome.milliseconds.toFixed(0)} ms`);
    if (outcome.right) {
      right += 1;
      continue;
    }
    const exception = exceptions[one.name];
    if (outcome.passed && !outcome.mustPass && !suiteIsWrong.test(exception ?? '')) {
      falseAcceptances += 1;
      faults.push(`${one.name} is accepted`);
    } else if (exception) met.add(one.name);
    else faults.push(`${one.name}: ${outcome.why}`);
  }
  if (total !== suite.count) faults.push(`${total} cases instead of ${suite.count}`);
  for (const name of Object.keys(exceptions))
    if (!met.has(name)) faults.push(`${name} is an exception no more`);
  if (mostExceptions < met.size) faults.push(`${met.size} exceptions, more than ${mostExceptions}`);
  return { name: suite.name, total, right, falseAcceptances, exceptions: met.size, counted, faults };
}
