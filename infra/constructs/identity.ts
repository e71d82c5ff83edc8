import { Aws, CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

/**
 * Where customers sign in other than by a password of ours: an existing issuer, or a Cognito user pool with a client
 * without secret for each kind of application that has a callback address. The pool is always there, because it holds
 * customers; with another issuer it has no client and no login page, so nobody can sign in to it.
 */
export class Identity extends Construct {
  readonly userPool: cognito.UserPool;
  /** Exactly as tokens name it. */
  readonly issuer: string;

  constructor(scope: Construct, id: string, { profile, identity }: Settings) {
    super(scope, id);
    this.userPool = userPool(this, profile.keeps);
    if ('issuer' in identity) {
      this.issuer = identity.issuer;
    } else {
      this.issuer = this.userPool.userPoolProviderUrl;
      this.openUserPool(identity.callbacks, identity.domain ?? `counterfoil-${profile.stage}-${Aws.ACCOUNT_ID}`);
    }
    new CfnOutput(this, 'Issuer', { value: this.issuer }).overrideLogicalId('IdentityIssuer');
  }

  private openUserPool(callbacks: string[], domainPrefix: string): void {
    const domain = this.userPool.addDomain('Domain', { cognitoDomain: { domainPrefix } });
    new CfnOutput(this, 'LoginUrl', { value: domain.baseUrl() }).overrideLogicalId('IdentityLoginUrl');
    const callbacksOf = {
      Web: callbacks.filter((url) => /^https?:/.test(url)),
      Mobile: callbacks.filter((url) => !/^https?:/.test(url)),
    };
    for (const [kind, urls] of Object.entries(callbacksOf)) {
      if (urls.length === 0) continue;
      const { userPoolClientId } = addClient(this.userPool, kind, urls);
      new CfnOutput(this, `${kind}ClientId`, { value: userPoolClientId }).overrideLogicalId(`Identity${kind}Client`);
    }
  }
}

function userPool(scope: Construct, keeps: boolean): cognito.UserPool {
  const pool = new cognito.UserPool(scope, 'Users', {
    // The cheapest plan has everything that sign-in by code and PKCE needs.
    featurePlan: cognito.FeaturePlan.LITE,
    selfSignUpEnabled: true,
    signInAliases: { email: true },
    signInCaseSensitive: false,
    autoVerify: { email: true },
    // A changed address takes effect when it is confirmed; until then the old one stays.
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
    { id: 'AwsSolutions-COG2', reason: 'Customers may choose a second factor.' },
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
    // Code in a browser or on a phone cannot keep a secret; PKCE replaces it.
    generateSecret: false,
    oAuth: {
      flows: { authorizationCodeGrant: true },
      scopes: [cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
      callbackUrls: callbacks,
      logoutUrls: callbacks,
    },
    supportedIdentityProviders: [cognito.UserPoolClientIdentityProvider.COGNITO],
    // Allows no flow besides refresh tokens; without this setting Cognito's defaults would be allowed.
    authFlows: { userSrp: false },
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    idTokenValidity: Duration.minutes(15),
    accessTokenValidity: Duration.minutes(15),
    refreshTokenValidity: Duration.days(30),
  });
