/** Whose requests are taken, and whose word counts. */
import type { AcceptedForm } from '../access/identity.ts';
import { invalid, type Settings } from './settings.ts';

export function readForms(settings: Settings): AcceptedForm[] {
  const forms = (settings.string('IDENTITY_ACCEPT') ?? '2').split(',').map((form) => form.trim());
  return forms.map((form) => {
    if (form === '2' || form === 'A') return form;
    throw invalid(settings.label('IDENTITY_ACCEPT'), `is a list of the forms 2 and A, not ${JSON.stringify(form)}`);
  });
}

export function readAdvisors(settings: Settings): string[] {
  const keys = settings.string('ADVISORS')?.split(',') ?? [];
  return keys.map((key) => {
    if (/^0[23][0-9a-f]{64}$/.test(key.trim())) return key.trim();
    throw invalid(settings.label('ADVISORS'), `is a list of identity keys, compressed, in hex; ${key.trim()} is none`);
  });
}
