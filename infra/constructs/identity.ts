import { Aws, CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import type { Settings } from '../profiles.ts';

/**
 * Where customers sign in other than by a password of ours: an issuer that is there already, or a Cognito user pool with
 * a client without secret for each kind of application that has a callback address.
 */
export class Identity extends Construct {
  /** As it stands in tokens. */
  readonly issuer: string;

  constructor(scope: Construct, id: string, { profile, identity }: Settings) {
    super(scope, id);
    if ('issuer' in identity) {
      this.issuer = identity.issuer;
    } else {
      const pool = userPool(this, profile.keeps);
      this.issuer = pool.userPoolProviderUrl;
      const domain = pool.addDomain('Domain', {
        cognitoDomain: { domainPrefix: identity.domain ?? `counterfoil-${profile.name}-${Aws.ACCOUNT_ID}` },
      });
      new CfnOutput(this, 'LoginUrl', { value: domain.baseUrl() }).overrideLogicalId('IdentityLoginUrl');
      const callbacksOf = {
        Web: identity.callbacks.filter((url) => /^https?:/.test(url)),
        Mobile: identity.callbacks.filter((url) => !/^https?:/.test(url)),
      };
      for (const [kind, callbacks] of Object.entries(callbacksOf)) {
        if (callbacks.length === 0) continue;
        const client = addClient(pool, kind, callbacks);
        new CfnOutput(this, `${kind}ClientId`, { value: client.userPoolClientId }).overrideLogicalId(
          `Identity${kind}Client`,
        );
      }
    }
    new CfnOutput(this, 'Issuer', { value: this.issuer }).overrideLogicalId('IdentityIssuer');
  }
}

function userPool(scope: Construct, keeps: boolean): cognito.UserPool {
  const pool = new cognito.UserPool(scope, 'Users', {
    // The cheapest plan has all that signing in by code and PKCE needs.
    featurePlan: cognito.FeaturePlan.LITE,
    selfSignUpEnabled: true,
    signInAliases: { email: true },
    signInCaseSensitive: false,
    autoVerify: { email: true },
    // An address that is changed counts once it is confirmed; until then the old one does.
    keepOriginal: { email: true },
    passwordPolicy: {
      minLength: 12,
      requireLowercase: true,
      requireUppercase: true,
      requireDigits: true,
      requireSymbols: true,
      tempPasswordValidity: Duration.days(1),
    },
    mfa: cognito.Mfa.OPTIONAL,
    mfaSecondFactor: { otp: true, sms: false },
    accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
    deletionProtection: keeps,
    removalPolicy: keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
  });
  Validations.of(pool).acknowledge(
    { id: 'AwsSolutions-COG2', reason: 'A shop’s customers choose a second factor themselves; it is on offer.' },
    {
      id: 'AwsSolutions-COG3',
      reason:
        'Threat protection needs the plan Plus, at several times the price; docs/deploy.md says how to turn it on.',
    },
    {
      id: 'AwsSolutions-COG8',
      reason: 'The plan Plus costs several times as much as signing in needs; docs/deploy.md says how to choose it.',
    },
  );
  return pool;
}

const addClient = (pool: cognito.UserPool, kind: string, callbacks: string[]): cognito.UserPoolClient =>
  pool.addClient(kind, {
    // What runs in a browser or on a phone can keep no secret; PKCE takes its place.
    generateSecret: false,
    oAuth: {
      flows: { authorizationCodeGrant: true },
      scopes: [cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
      callbackUrls: callbacks,
      logoutUrls: callbacks,
    },
    supportedIdentityProviders: [cognito.UserPoolClientIdentityProvider.COGNITO],
    // What is not said is not allowed; saying nothing at all would allow Cognito's defaults.
    authFlows: { userSrp: false },
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    idTokenValidity: Duration.minutes(15),
    accessTokenValidity: Duration.minutes(15),
    refreshTokenValidity: Duration.days(30),
  });
