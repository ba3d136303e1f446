// pulumi-resource-github is the Pulumi provider for GitHub, for machines that cannot fetch the official binary.
//
// The official one bridges github.com/integrations/terraform-provider-github, and so does this: the same bridge, the same
// tokens, the newest upstream version that Go's module mirrors serve. Upstream 6.12 renamed a secret's `plaintext_value`
// to `value` and `encrypted_value` to `value_encrypted`; the map below gives the older fields their newer names, so that
// programs and state fit both binaries.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/integrations/terraform-provider-github/v6/github"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
)

const name = "github"

// version of @pulumi/github whose programs this serves; set by the linker.
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
	renamed := func() *tfbridge.ResourceInfo {
		return &tfbridge.ResourceInfo{
			Fields: map[string]*tfbridge.SchemaInfo{
				"plaintext_value": {Name: "value"},
				"encrypted_value": {Name: "valueEncrypted"},
			},
		}
	}
	info := tfbridge.ProviderInfo{
		P:            shim.NewProvider(github.Provider()),
		Name:         name,
		Version:      version,
		GitHubOrg:    "integrations",
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Config: map[string]*tfbridge.SchemaInfo{
			"base_url": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"GITHUB_BASE_URL"}}},
			"token": {
				Secret:  tfbridge.True(),
				Default: &tfbridge.DefaultInfo{EnvVars: []string{"GITHUB_TOKEN"}},
			},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"github_actions_secret":             renamed(),
			"github_actions_environment_secret": renamed(),
		},
		UpstreamRepoPath: ".",
	}
	info.MustComputeTokens(tokens.SingleModule("github_", "index", tokens.MakeStandard(name)))
	info.SetAutonaming(255, "-")
	return info
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "pulumi-resource-github:", err)
	os.Exit(1)
}
