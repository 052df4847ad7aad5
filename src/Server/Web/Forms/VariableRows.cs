using Berth.Contracts.Launchers;

namespace Berth.Server.Web.Forms;

/// <summary>Environment variables as a form's rows.</summary>
public static class VariableRows
{
    /// <summary>The rows that have a name.</summary>
    public static List<EnvVariable> Read(PageForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        var values = form.All("env_value");
        return [.. form.All("env_name")
            .Select((name, i) => new EnvVariable(name.Trim(), values.ElementAtOrDefault(i) is { Length: > 0 } value ? value : null))
            .Where(variable => variable.Name.Length > 0)];
    }
}
