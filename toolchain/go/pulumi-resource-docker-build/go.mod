module slipway.dev/toolchain/pulumi-resource-docker-build

go 1.25.0

tool github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build

require (
	github.com/pulumi/pulumi-docker-build v0.0.22
	github.com/pulumi/pulumi-go-provider v1.5.0
	github.com/pulumi/pulumi-java v1.34.0
	github.com/pulumi/pulumi-dotnet/pulumi-language-dotnet/v3 v3.112.1
	github.com/pulumi/pulumi/pkg/v3 v3.259.0
	github.com/pulumi/pulumi/sdk/v3 v3.259.0
)
