// A password that does not meet the policy in force gives way before the sign-in ends.
import type { Step } from '../step.ts';

export const newPassword: Step = {
  name: 'new-password',
  isNeeded: ({ password }) => password?.unmet === true && password.staged !== 'new',
  firstParty: {
    status: 403,
    error: 'password_migration_required',
    description: 'The password no longer meets the policy. Change it on the page at url.',
    needs: 'page',
  },
};
