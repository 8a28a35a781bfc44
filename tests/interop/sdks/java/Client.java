// The AWS SDK for Java v2, as an application uses it. What it does and prints, test_sdks.py says.

import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;
import software.amazon.awssdk.services.sts.model.StsException;
import software.amazon.awssdk.services.sts.model.Tag;

public class Client {
    public static void main(String[] arguments) {
        // As if less than two hours of a session were too little: each look renews it.
        var early = Duration.ofHours(2);
        var byToken = WebIdentityTokenFileCredentialsProvider.builder().staleTime(early).prefetchTime(early).build();
        var first = byToken.resolveCredentials();
        var renewed = byToken.resolveCredentials();

        var next = StsAssumeRoleCredentialsProvider.builder()
                .stsClient(client(renewed))
                .refreshRequest(request -> request.roleArn(System.getenv("NEXT_ROLE"))
                        .roleSessionName("next")
                        .tags(Tag.builder().key("team").value("red").build()))
                .build();
        var refused = "nothing";
        try {
            var vault = System.getenv("VAULT_ROLE");
            client(first).assumeRole(request -> request.roleArn(vault).roleSessionName("next"));
        } catch (StsException answer) {
            refused = answer.awsErrorDetails().errorCode();
        }
        System.out.printf("{\"first\": %s, \"renewed\": %s, \"chained\": %s, \"refused\": \"%s\"}%n",
                called(first), called(renewed), called(next.resolveCredentials()), refused);
    }

    private static StsClient client(AwsCredentials credentials) {
        AwsCredentialsProvider provider = StaticCredentialsProvider.create(credentials);
        return StsClient.builder().credentialsProvider(provider).build();
    }

    private static String called(AwsCredentials credentials) {
        var arn = client(credentials).getCallerIdentity().arn();
        return "{\"id\": \"%s\", \"arn\": \"%s\"}".formatted(credentials.accessKeyId(), arn);
    }
}
