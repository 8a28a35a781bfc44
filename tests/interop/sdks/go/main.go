// The AWS SDK for Go v2, as an application uses it. What it does and prints, test_sdks.py says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

type session struct {
	ID  string `json:"id"`
	Arn string `json:"arn"`
}

func main() {
	ctx := context.Background()
	byToken, err := config.LoadDefaultConfig(ctx)
	check(err)
	first := called(ctx, byToken)
	byToken.Credentials.(*aws.CredentialsCache).Invalidate()
	renewed := called(ctx, byToken)

	next := byToken.Copy()
	next.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(
		sts.NewFromConfig(byToken), os.Getenv("NEXT_ROLE"), func(options *stscreds.AssumeRoleOptions) {
			options.RoleSessionName = "next"
			options.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
		}))
	chained := called(ctx, next)

	_, err = sts.NewFromConfig(byToken).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String(os.Getenv("VAULT_ROLE")), RoleSessionName: aws.String("next"),
	})
	refused := "nothing"
	var answer smithy.APIError
	if errors.As(err, &answer) {
		refused = answer.ErrorCode()
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"first": first, "renewed": renewed, "chained": chained, "refused": refused,
	}))
}

func called(ctx context.Context, configuration aws.Config) session {
	credentials, err := configuration.Credentials.Retrieve(ctx)
	check(err)
	caller, err := sts.NewFromConfig(configuration).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check(err)
	return session{ID: credentials.AccessKeyID, Arn: *caller.Arn}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
