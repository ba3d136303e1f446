// pulumi-resource-docker is the Pulumi provider for Docker, for machines that cannot fetch the official binary.
//
// Like the official one it bridges github.com/kreuzwerker/terraform-provider-docker. Upstream's module is named
// github.com/terraform-providers/terraform-provider-docker and keeps the provider in an internal package, which is why
// this module's name is below that one.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

const name = "docker"

// version of @pulumi/docker whose programs this serves; set by the linker.
var version = "0.0.0"

func main() {
	info := providerInfo()
	// The schema has no prose: nothing is generated from it, it only types what programs send.
	sink := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	spec, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo:    info,
		DiagnosticsSink: sink,
		XInMemoryDocs:   true,
	})
	if err != nil {
		fail(err)
	}
	schema, err := json.Marshal(spec.PackageSpec)
	if err != nil {
		fail(err)
	}
	tfbridge.Main(name, version, info, schema)
}

func providerInfo() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            shim.NewProvider(provider.New(version)()),
		Name:         name,
		Version:      version,
		GitHubOrg:    "kreuzwerker",
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		// The official provider has an Image of its own, which builds; upstream's is its RemoteImage.
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_image": {Tok: "docker:index/remoteImage:RemoteImage"},
		},
		UpstreamRepoPath: ".",
	}
	info.MustComputeTokens(tokens.SingleModule("docker_", "index", tokens.MakeStandard(name)))
	info.SetAutonaming(255, "-")
	return info
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "pulumi-resource-docker:", err)
	os.Exit(1)
}
