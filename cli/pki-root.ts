import { ConsulError } from '../core/errors.ts';
import {
  type CeremonyPeople,
  openPki,
  openRoot,
  type PkiContext,
  type RootSession,
  recordCeremony,
} from '../core/issuance/certificates.ts';
import type { CeremonyAct, CeremonyRecord } from '../core/pki/ceremony-record.ts';
import { passphraseKeys } from '../core/pki/key-file.ts';
import { type CommonOptions, messageLanguage } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { agentOf, withPost } from './post.ts';
import type { RootOptions } from './root-options.ts';
import { keySecrets, namedPassphrase } from './secrets.ts';
import { labelled, say } from './words.ts';

/** Runs with the certificates of the post open. */
export const withPki = <T>(options: CommonOptions, act: (context: PkiContext) => Promise<T>): Promise<T> =>
  withPost(options, async (post) => {
    const actor = `agent:${agentOf(options).name}`;
    return act(await openPki(post, { ...keySecrets(post, options), actor }));
  });

export interface Recorded {
  readonly record: CeremonyRecord;
  readonly file: string;
}

/**
 * Runs an act with the key of the root open, and writes the record of it.
 * @throws ConsulError USAGE when its file was not named
 */
export async function withRoot<T>(
  context: PkiContext,
  options: RootOptions,
  act: (root: RootSession) => Promise<T>,
): Promise<{ readonly result: T; readonly recorded: Recorded | undefined }> {
  const { rootKey, rootPassphraseFile, place, witness = [] } = options;
  if (rootKey === undefined)
    throw new ConsulError('USAGE', 'this needs the key of the root: name its file with --root-key');
  const named =
    rootPassphraseFile === undefined ? undefined : namedPassphrase({ passphraseFile: rootPassphraseFile });
  const root = await openRoot(context, rootKey, named && passphraseKeys(named));
  const result = await act(root);
  if (root.acts.length === 0) return { result, recorded: undefined };
  const people: CeremonyPeople = {
    operator: agentOf(options).name,
    witnesses: witness,
    ...(place ? { place } : {}),
    software: `consul ${process.env.CONSUL_VERSION}`,
  };
  const recorded = await recordCeremony(context, root, people);
  const text = recordText(recorded.record, messageLanguage(options));
  await writeOutput(recorded.file.replace(/\.cose$/, '.txt'), text);
  return { result, recorded };
}

/** The same, or without the key of the root where it was not named. */
export async function withRootIfNamed<T>(
  context: PkiContext,
  options: RootOptions,
  act: (root: RootSession | undefined) => Promise<T>,
): ReturnType<typeof withRoot<T>> {
  if (options.rootKey !== undefined) return withRoot(context, options, act);
  return { result: await act(undefined), recorded: undefined };
}

type Language = 'fr' | 'en';

function actLines(act: CeremonyAct, language: Language): readonly string[] {
  const label = say(language, `pki.record.${act.act}`);
  const row = (key: 'serial' | 'validity' | 'sha256' | 'keySha256', value: string): string =>
    `  ${labelled(language, `pki.record.${key}`, value)}`;
  switch (act.act) {
    case 'certificate':
      return [
        `${label} ${act.profile}, ${act.subject}`,
        row('serial', act.serial),
        row('validity', `${act.notBefore} - ${act.notAfter}`),
        row('sha256', act.sha256),
        row('keySha256', act.key),
      ];
    case 'revocation':
      return [`${label} ${act.serial}, ${act.reason}, ${act.since}`];
    case 'crl':
      return [`${label} ${act.number}, ${act.issuer}`, row('sha256', act.sha256)];
    case 'trust-bundle':
      return [`${label} ${act.sequence}`, row('sha256', act.sha256)];
  }
}

/** The record as it is printed, with a line for each hand to sign on. */
export function recordText(record: CeremonyRecord, language: Language): string {
  const { at, place, software, people, root, acts } = record;
  const row = (key: 'at' | 'place' | 'software' | 'root', value: string): string =>
    labelled(language, `pki.record.${key}`, value);
  const hands = people.map(({ name, role }) => {
    const signature = labelled(language, 'pki.record.signature', '____________________');
    return `${labelled(language, `pki.record.${role}`, name)}, ${signature}`;
  });
  return [
    say(language, 'pki.record.title'),
    '',
    row('at', at),
    ...(place ? [row('place', place)] : []),
    row('software', software),
    row('root', root),
    '',
    ...acts.flatMap((act) => actLines(act, language)),
    '',
    ...hands,
    '',
  ].join('\n');
}
